"""The dates on which a rule, a count or a map changed: each once, for models, readings and charts.

`data/raw/policy_events.csv` has them with their sources; `tests/test_facts_traps.py` compares.
"""

import pandas as pd

#: Decision 861/QD-TTg: cards paid by the State stop in communes that left the poor-area lists.
DECISION_861 = pd.Timestamp("2021-07-01")
#: The agency divides by a narrower labour force: the same end-September 2022 level was printed as
#: 34.84 and as 37.01 percent.
LABOUR_FORCE_BREAK = pd.Timestamp("2022-10-01")
#: Decree 75/2023/ND-CP gives support back to minorities in communes that left the lists.
DECREE_75 = pd.Timestamp("2023-10-19")
#: Resolution 202/2025/QH15 names the provinces that merge.
RESOLUTION_202 = pd.Timestamp("2025-06-12")
#: 34 provinces replace 63.
MERGER = pd.Timestamp("2025-07-01")
#: The Law on Social Insurance of 2024 is in force: late payment and evasion are told apart, so
#: rates from this day on count something else and are not compared with those before.
SOCIAL_INSURANCE_LAW = pd.Timestamp("2025-07-01")
