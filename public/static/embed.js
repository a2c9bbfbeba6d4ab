// Puts the form into the page that loads this file, in a frame of its own, where the script stands.
(() => {
  const script = document.currentScript;
  const address = new URL(script.src);
  address.pathname = address.pathname.replace(/\/embed\.js$/, "");
  address.search = `?embed=1&page=${encodeURIComponent(location.origin + location.pathname)}`;
  const frame = document.createElement("iframe");
  frame.src = address.href;
  frame.title = script.dataset.title || "Form";
  frame.width = "100%";
  frame.height = script.dataset.height || "1040";
  frame.style.border = "0";
  script.after(frame);
})();
