// htmx would write its indicator's styles into each page, which the content security policy refuses.
htmx.config.includeIndicatorStyles = false;
