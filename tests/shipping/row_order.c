/* Hands over rows in every order that is not begin, all rows, finish, and prints what finish answers. */
#include <stddef.h>
#include <stdio.h>

#include HEADER

#define JOINED(a, b) a##b
#define NAMED(prefix, name) JOINED(prefix, name)

static uint8_t image[IMAGE_ROWS][IMAGE_COLUMNS];
static int32_t logits[IMAGE_CLASSES] = {77};

static void push(int rows) {
    for (int y = 0; y < rows; y++) NAMED(PREFIX, _push_row)(image[y % IMAGE_ROWS]);
}

static void say(const char *what) {
    logits[0] = 77;
    const int label = NAMED(PREFIX, _finish)(logits);
    printf("%s: %s%s\n", what, label == -1 ? "-1" : "a label", logits[0] == 77 ? ", no logits" : "");
}

int main(void) {
    for (int at = 0; at < IMAGE_ROWS * IMAGE_COLUMNS; at++)
        image[at / IMAGE_COLUMNS][at % IMAGE_COLUMNS] = (uint8_t)(at * 7919 + at / 13 * 31);
    say("nothing");
    push(IMAGE_ROWS);
    say("rows without begin");
    NAMED(PREFIX, _begin)();
    say("begin alone");
    push(IMAGE_ROWS - 1);
    say("a row too few");
    push(1);
    say("all rows");
    say("once more");
    push(1);
    say("a row too many");
    push(IMAGE_ROWS - 1);
    say("a second image without begin");
    NAMED(PREFIX, _begin)();
    push(3 * IMAGE_ROWS);
    say("many rows too many");
    NAMED(PREFIX, _begin)();
    push(5);
    NAMED(PREFIX, _begin)();
    push(IMAGE_ROWS);
    say("begun anew");
    static int32_t others[IMAGE_CLASSES];
    NAMED(PREFIX, _predict)(&image[0][0], others);
    int same = 1;
    for (int o = 0; o < IMAGE_CLASSES; o++) same &= logits[o] == others[o];
    printf("the whole image: %s\n", same ? "the same logits" : "other logits");
    say("after the whole image");
    return 0;
}
