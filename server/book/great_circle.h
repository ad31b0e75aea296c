/* Distance on the globe. */
#ifndef STOCKBOOK_BOOK_GREAT_CIRCLE_H
#define STOCKBOOK_BOOK_GREAT_CIRCLE_H

/* Kilometres between two points given in degrees, over a sphere of the Earth's mean radius: within
 * half a per cent of the true way over the ground, which no road follows anyway. */
double great_circle_km(double latitude_a, double longitude_a, double latitude_b,
	double longitude_b);

#endif
