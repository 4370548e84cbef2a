"""A data set made of one's own photos: their labels, their faces as prediction frames them, and the parts."""
