"""Run the script of the explorer's page in Node, as a browser would."""

import json
import shutil
import subprocess

from analysis.explore import shipped

NODE = shutil.which("node") or shutil.which("nodejs")
SCRIPT = shipped.SCRIPT
RUN = """
const E = require(process.argv[1]);
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
const started = process.hrtime.bigint();
const found = given.choices.map((choice) => {
  const shown = E.view(given.data, choice);
  const said = E.sentences(given.data, shown).join(" ");
  return { moved: shown.moved, said: said, alt: E.alt(given.data, shown),
           rows: E.rows(given.data, choice), marks: E.marks(given.data, shown) };
});
const took = Number(process.hrtime.bigint() - started) / 1e6 / given.choices.length;
console.log(JSON.stringify({ found: found, took: took }));
"""


def for_script(choice, course):
    """A choice as the script takes it; course: place of a scenario, 0 the first, None by hand."""
    return {
        "unit": choice.unit,
        "rate": choice.indicator,
        "persons": choice.persons_month,
        "support": choice.support,
        "response": choice.response,
        "course": course,
    }


def in_node(data, choices):
    """What the script shows of each choice, and the milliseconds that one took (mean)."""
    given = json.dumps({"data": data, "choices": choices})
    done = subprocess.run(
        [NODE, "-e", RUN, str(SCRIPT)], input=given, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)
