// What makes the pages nicer, and nothing that they need: all of them work without it.

const LIVE_EVERY = 5000;

/** Keep the figures below `root` as they are: a credit that arrives shows without a reload. */
function keepLive(root) {
  const look = async () => {
    if (document.hidden) return;
    let shown;
    try {
      const answer = await fetch(root.dataset.live, { headers: { accept: "application/json" } });
      if (answer.status === 401) return window.location.reload();
      if (!answer.ok) return;
      shown = (await answer.json()).shown;
    } catch {
      return; // offline: the next look tells
    }
    for (const place of root.querySelectorAll("[data-shown]")) {
      const text = shown[place.dataset.shown];
      if (text !== undefined && place.textContent !== text) place.textContent = text;
    }
  };
  setInterval(look, LIVE_EVERY);
  document.addEventListener("visibilitychange", look);
}

/** Copy the text of the element that a button names, and say so in the button. */
function makeCopy(button) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    const before = button.textContent;
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = before; }, 2000);
  });
}

/** Close the menu of a small screen when the page behind it is touched. */
function closeOutside(menu) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape") menu.open = false;
  });
}

document.querySelectorAll("[data-live]").forEach(keepLive);
if (navigator.clipboard) document.querySelectorAll("button[data-copy]").forEach(makeCopy);
document.querySelectorAll("details.bar-menu").forEach(closeOutside);
