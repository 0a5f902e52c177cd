"""What the site adds to Sphinx: pages made of the library, formulas without a script, links."""
