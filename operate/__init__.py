"""What an operator runs beside `pulumi`; the Makefile's targets call it."""
