"use strict";
// Shows a message beside the diagram instead of jumping to it, and lets the arrow keys walk along the arrows.
document.documentElement.classList.add("scripted");
for (const flow of document.querySelectorAll("section.flow")) {
  const arrows = [...flow.querySelectorAll("a[data-message]")];
  const show = (arrow) => {
    for (const old of flow.querySelectorAll(".shown, .chosen")) old.classList.remove("shown", "chosen");
    arrow.classList.add("chosen");
    document.getElementById(arrow.dataset.message).classList.add("shown");
    flow.querySelector(".messages").scrollTop = 0;
  };
  arrows.forEach((arrow, place) => {
    arrow.addEventListener("click", (event) => {
      event.preventDefault();
      show(arrow);
      history.replaceState(null, "", "#" + arrow.dataset.message);
    });
    arrow.addEventListener("keydown", (event) => {
      const next = { ArrowDown: place + 1, ArrowUp: place - 1 }[event.key];
      if (next === undefined || !arrows[next]) return;
      event.preventDefault();
      arrows[next].focus();
      show(arrows[next]);
    });
  });
  const wanted = arrows.find((arrow) => "#" + arrow.dataset.message === location.hash);
  if (wanted || arrows.length) show(wanted || arrows[0]);
}
