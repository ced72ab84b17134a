"""What a study shows, as a page, as Markdown, as LaTeX, as figures and as tables."""
