// Charts are written in the ink of the page, also when it turns dark.
Chart.defaults.color = () => getComputedStyle(document.documentElement).getPropertyValue("--vh-text");
