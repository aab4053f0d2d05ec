// Recognises digits that arrive on the serial port, 28 rows of 28 bytes, and answers each with its label.
//
// Copy digit_int8.c and digit_int8.h beside this file; `pennyweight export RUN --to c-int8 --prefix digit` writes them.
// Row by row, so that the sketch never holds an image.
extern "C" {
#include "digit_int8.h"
}

const int ROWS = 28, COLUMNS = 28;

void setup() {
  Serial.begin(115200);
  Serial.setTimeout(-1);  // wait for every row
}

void loop() {
  uint8_t pixels[COLUMNS];
  digit_int8_begin();
  for (int row = 0; row < ROWS; row++) {
    Serial.readBytes(pixels, COLUMNS);
    digit_int8_push_row(pixels);
  }
  Serial.println(digit_int8_finish(NULL));
}
