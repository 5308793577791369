/*
 * Two-dimensional acoustic modelling by finite differences: a serial program that knows nothing of parjob.
 *
 *     cc -O2 -o fdmod fdmod.c -lm
 *     ./fdmod vel=vel.rsf out=shots.rsf nt=500 dt=0.002 first=0 nshot=2 dshot=20
 *
 * As fdmod.js: shots first, first + 1, ... stand dshot points apart, each is recorded at all points of the surface.
 * With finished=3 it goes on behind the third. The files are Madagascar's, head and data in one.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EDGE = 30, DEPTH = 3 }; /* points in which waves die away; of shots and receivers */

static int words;
static char **word;

static void fail(const char *what, const char *name) {
  fprintf(stderr, "fdmod: %s %s\n", what, name);
  exit(1);
}

static const char *text(const char *name, const char *absent) {
  size_t length = strlen(name);
  for (int i = words - 1; i > 0; i--)
    if (strncmp(word[i], name, length) == 0 && word[i][length] == '=') return word[i] + length + 1;
  if (absent == NULL) fail("there is no parameter", name);
  return absent;
}

static double number(const char *name, const char *absent) { return atof(text(name, absent)); }

/* The value of the last `name=` in the head of a file. */
static double in_head(const char *head, const char *name) {
  double value = 0;
  int is_there = 0;
  for (const char *at = strstr(head, name); at != NULL; at = strstr(at + 1, name))
    if (at == head || strchr(" \t\n", at[-1]) != NULL) is_there = sscanf(at + strlen(name), "%lf", &value);
  if (is_there != 1) fail("the head of the velocity has no", name);
  return value;
}

static float *floats(size_t count) {
  float *values = calloc(count, sizeof *values);
  if (values == NULL) fail("there is no memory for", "a grid");
  return values;
}

static int inside(int i, int n) { return i < EDGE ? 0 : i - EDGE >= n ? n - 1 : i - EDGE; }

static double damp(int i, int n) {
  int from_edge = i < n - 1 - i ? i : n - 1 - i;
  double depth = from_edge < EDGE ? 0.015 * (EDGE - from_edge) : 0;
  return exp(-depth * depth);
}

/* A wavelet of 15 Hz with its peak at 0.1 s. */
static double ricker(double time) {
  double a = M_PI * 15 * (time - 0.1);
  return (1 - 2 * a * a) * exp(-a * a);
}

int main(int argc, char **argv) {
  words = argc;
  word = argv;
  int nt = number("nt", NULL), first = number("first", NULL), nshot = number("nshot", NULL);
  int dshot = number("dshot", NULL), finished = number("finished", "0");
  double dt = number("dt", NULL);

  static char head[65536];
  FILE *vel = fopen(text("vel", NULL), "rb");
  if (vel == NULL) fail("cannot read", text("vel", NULL));
  for (size_t n = 0; n + 1 < sizeof head && (n < 3 || memcmp(head + n - 3, "\f\f\004", 3) != 0); n++)
    if (fread(head + n, 1, 1, vel) != 1) fail("no head with its data behind it in", text("vel", NULL));
  int nz = in_head(head, "n1="), nx = in_head(head, "n2=");
  double d = in_head(head, "d1=");
  float *speed = floats((size_t)nz * nx);
  if (fread(speed, sizeof *speed, (size_t)nz * nx, vel) != (size_t)nz * nx) fail("too little data in", text("vel", NULL));
  fclose(vel);

  int wide = nx + 2 * EDGE, deep = nz + 2 * EDGE;
  size_t size = (size_t)wide * deep;
  float *courant = floats(size), *damping = floats(size), *gather = floats((size_t)nt * nx);
  for (int x = 0; x < wide; x++)
    for (int z = 0; z < deep; z++) {
      double c = speed[inside(x, nx) * nz + inside(z, nz)] * dt / d;
      courant[x * deep + z] = c * c;
      damping[x * deep + z] = damp(z, deep) * damp(x, wide);
    }

  /* what was written behind the shots that are finished does not count: it is written over */
  FILE *out = fopen(text("out", NULL), finished == 0 ? "wb" : "r+b");
  if (out == NULL) fail("cannot write", text("out", NULL));
  int head_bytes = snprintf(head, sizeof head,
                            "n1=%d n2=%d n3=%d d1=%.10g d2=%.10g d3=%.10g o1=0 o2=0 o3=%.10g\n"
                            "esize=4 data_format=\"native_float\" in=\"stdin\"\n\f\f\004",
                            nt, nx, nshot, dt, d, dshot * d, first * dshot * d);
  if (finished == 0) fwrite(head, 1, head_bytes, out);
  fseek(out, head_bytes + (long)finished * nt * nx * sizeof *gather, SEEK_SET);
  for (int shot = finished; shot < nshot; shot++) {
    float *now = floats(size), *before = floats(size);
    size_t surface = (size_t)EDGE * deep + EDGE + DEPTH;
    for (int t = 0; t < nt; t++) {
      for (int x = 2; x < wide - 2; x++)
        for (size_t i = (size_t)x * deep + 2; i < (size_t)x * deep + deep - 2; i++) {
          double along_z = 16 * ((double)now[i - 1] + now[i + 1]) - now[i - 2] - now[i + 2];
          double along_x = 16 * ((double)now[i - deep] + now[i + deep]) - now[i - 2 * deep] - now[i + 2 * deep];
          double laplace = (along_z + along_x - 60.0 * now[i]) / 12;
          before[i] = damping[i] * (2.0 * now[i] - damping[i] * (double)before[i] + courant[i] * laplace);
        }
      before[surface + (size_t)(first + shot) * dshot * deep] += ricker(t * dt);
      float *after = before;
      before = now;
      now = after;
      for (int x = 0; x < nx; x++) gather[x * nt + t] = now[surface + (size_t)x * deep];
    }
    free(now);
    free(before);
    if (fwrite(gather, sizeof *gather, (size_t)nt * nx, out) != (size_t)nt * nx || fflush(out) != 0)
      fail("cannot write all of", text("out", NULL));
    /* said when it is in the file, never before */
    fprintf(stderr, "fdmod finished=%d of %d\n", shot + 1, nshot);
  }
  return fclose(out) == 0 ? 0 : 1;
}
