// The sources of a reading open at once; without this script they lead to the list below first.
document.querySelectorAll('td a[href^="#"]').forEach((link) => {
  const source = document.getElementById(link.hash.slice(1)).querySelector("a");
  if (!source) return;
  link.href = source.href;
  link.title = source.textContent;
});
