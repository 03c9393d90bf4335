"""Work that is done again and again: what there is of it, and how one run is made, once over all machines."""
