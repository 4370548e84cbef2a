"""FER2013 in, a bundle out: data, augmentation, recipe, loop, evaluation, export."""
