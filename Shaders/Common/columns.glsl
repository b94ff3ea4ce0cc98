// Which columns of x and y a product is of, and which rows of the weight: for shaders that multiply dense matrices and, with
// EXPERTS, those of a mixture of experts. A shader includes this before its CONSTANTS, and with EXPERTS
// ExpertMatMul/route.glsl after.
//
//   COLUMN_X(j), COLUMN_Y(j)  where column j begins in x and y
//   COLUMN_STORE(j, row, value)  y[j, row] = value
//   FIRST_ROW                 the first row of the weight; m rows follow
//   TOTAL_ROWS                all rows of the weight's tensor
//   COLUMNS_ADDRESS, COLUMNS_CONSTANTS, AFTER_COLUMNS  what it adds to the push constants, and the next binding after its own
#ifdef EXPERTS
BUFFER(4, readonly, uint, Routes, routes)
#define AFTER_COLUMNS 5
#define COLUMNS_ADDRESS ADDRESS(Routes, routes)
#define COLUMNS_CONSTANTS uint expert_count; uint slots;
#define FIRST_ROW expert_row
#define TOTAL_ROWS (expert_count * m)
#define COLUMN_X(j) column_x(j)
#define COLUMN_Y(j) column_y(j)
#define COLUMN_STORE(j, row, value) column_store(j, row, value)
#else
#define AFTER_COLUMNS 4
#define COLUMNS_ADDRESS
#define COLUMNS_CONSTANTS
#define FIRST_ROW 0
#define TOTAL_ROWS m
#define COLUMN_X(j) ((j) * k)
#define COLUMN_Y(j) ((j) * m)
#define COLUMN_STORE(j, row, value) y.v[(j) * m + (row)] = value
#endif
