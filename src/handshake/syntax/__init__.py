"""Trees and printers of the configuration languages that we write: quoting is right by construction."""
