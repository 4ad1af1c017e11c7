// The colours that were chosen before: 'light', 'dark', or 'auto' for those of the system.
(() => {
  let theme = 'auto';
  try {
    theme = localStorage.getItem('imstate.theme') ?? 'auto';
  } catch {
    // No storage: those of the system.
  }
  document.documentElement.dataset.theme = theme;
})();
