"""A data set of one's own photos: their labels, their faces as prediction frames them, the parts."""
