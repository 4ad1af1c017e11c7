// Sets the saved theme: 'light', 'dark', or 'auto' for that of the system.
(() => {
  let theme = 'auto';
  try {
    theme = localStorage.getItem('imstate.theme') ?? 'auto';
  } catch {
    // Without storage, use the theme of the system.
  }
  document.documentElement.dataset.theme = theme;
})();
