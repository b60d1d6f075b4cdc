"""What a city is, how it lies on disk, how it is built, CityJSON in and out."""
