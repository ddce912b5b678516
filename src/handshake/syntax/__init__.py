"""Trees and printers of the generated configuration languages: quoting is correct by construction."""
