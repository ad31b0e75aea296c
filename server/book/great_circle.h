/* Distance on the globe: in kilometres, and, where only the order matters, as what is cheap to
 * compute. */
#ifndef STOCKBOOK_BOOK_GREAT_CIRCLE_H
#define STOCKBOOK_BOOK_GREAT_CIRCLE_H

/* Kilometres between two points given in degrees, over a sphere of the Earth's mean radius: within
 * half a per cent of the true way over the ground, which no road follows anyway. */
double great_circle_km(double latitude_a, double longitude_a, double latitude_b,
	double longitude_b);

/* A place on the unit sphere. */
struct globe_point {
	double x;
	double y;
	double z;
};

struct globe_point globe_point(double latitude, double longitude);
/* The square of the straight line through the globe: it grows as the great circle does. */
double globe_chord_squared(const struct globe_point *a, const struct globe_point *b);

#endif
