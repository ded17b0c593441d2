// Optional: asks for confirmation before irreversible actions, and selects all rows at once.

for (const button of document.querySelectorAll("[data-confirm]")) {
  button.addEventListener("click", event => {
    if (!confirm(button.dataset.confirm)) event.preventDefault();
  });
}

const all = document.querySelector("[data-all]");
if (all) {
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of document.querySelectorAll("[name=rowid]")) box.checked = all.checked;
  });
}
