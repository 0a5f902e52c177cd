"""Documents as text, Markdown, LaTeX, HTML and PDF."""
