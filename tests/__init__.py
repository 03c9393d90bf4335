"""The tests of Valhalla, one folder per app, and of the whole."""
