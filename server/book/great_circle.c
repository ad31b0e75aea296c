/* The haversine formula, which keeps its precision for points that are close together. */
#include "book/great_circle.h"

#include <math.h>

#define EARTH_RADIUS_KM 6371.0088
#define RADIANS_PER_DEGREE 0.017453292519943295

double great_circle_km(double latitude_a, double longitude_a, double latitude_b, double longitude_b)
{
	double half_latitude = (latitude_b - latitude_a) * RADIANS_PER_DEGREE / 2;
	double half_longitude = (longitude_b - longitude_a) * RADIANS_PER_DEGREE / 2;
	double chord = sin(half_latitude) * sin(half_latitude) +
				   cos(latitude_a * RADIANS_PER_DEGREE) * cos(latitude_b * RADIANS_PER_DEGREE) *
					   sin(half_longitude) * sin(half_longitude);
	/* Rounding can bring opposite points a hair above 1. */
	return 2 * EARTH_RADIUS_KM * asin(fmin(1.0, sqrt(chord)));
}

struct globe_point globe_point(double latitude, double longitude)
{
	double around = cos(latitude * RADIANS_PER_DEGREE);
	return (struct globe_point){
		.x = around * cos(longitude * RADIANS_PER_DEGREE),
		.y = around * sin(longitude * RADIANS_PER_DEGREE),
		.z = sin(latitude * RADIANS_PER_DEGREE),
	};
}

double globe_chord_squared(const struct globe_point *a, const struct globe_point *b)
{
	double x = a->x - b->x;
	double y = a->y - b->y;
	double z = a->z - b->z;
	return x * x + y * y + z * z;
}
