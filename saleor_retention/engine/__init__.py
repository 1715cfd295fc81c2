"""The pure core: frozen facts in, frozen decisions out; no clock, no I/O, no Django."""
