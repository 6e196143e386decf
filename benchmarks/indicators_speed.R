# The R side of indicators_speed.py: Rscript indicators_speed.R FOLDER WHAT RUNS. Packages: survey (convey is not to be had from Debian: its public
# algorithms are written out here in their fastest form, several indices at once where survey allows it). Prints one line a run: name, seconds.
suppressMessages(library(survey))
arguments <- commandArgs(TRUE)
folder <- arguments[1]; what <- arguments[2]; runs <- as.integer(arguments[3])
timed <- function(name, f) for (i in seq_len(runs)) cat(name, system.time(f())[["elapsed"]], "\n")
z <- 2952
if (what == "linear") {
  x <- read.csv(file.path(folder, "million.csv"))
  d <- svydesign(id = ~village, strata = ~township, weights = ~w, data = x)
  width <- function(y, w) { n <- sum(w); sqrt((sum(w * y * y) - sum(w * y)^2 / n) / n) / n^0.2 }
  # Thirteen indices of one township: values and linearised variables, as svyfgt, svyarpt, svygini, svygei, svyatk and svyqsr do.
  one <- function(y0, w0) {
    o <- order(y0); y <- y0[o]; w <- w0[o]; n <- sum(w); m <- sum(w * y) / n; h <- width(y, w)
    r <- cumsum(w); g <- cumsum(w * y); share <- r / n
    quant <- function(p) y[which(share >= p)[1]]
    dens <- function(q, v = 1) sum(w * v * dnorm((q - y) / h)) / h
    iq <- function(q, p) -((y <= q) - p) / dens(q)
    gap <- pmax(z - y, 0) / z; poor <- y < z
    fgt <- lapply(0:2, function(a) { p <- if (a == 0) poor else gap^a; v <- sum(w * p) / n; list(v, (p - v) / n) })
    med <- quant(0.5); arpt <- list(0.6 * med, 0.6 * iq(med, 0.5))
    a <- sum(w * (y < arpt[[1]])) / n; arpr <- list(a, ((y < arpt[[1]]) - a) / n + dens(arpt[[1]]) / n * arpt[[2]])
    gini <- sum((2 * r - 1) * w * y) / (n * n * m) - 1
    gl <- (2 * (n * m - g + w * y + r * y) - y) / (n * n * m) - (gini + 1) * (y / (n * m) + 1 / n)
    away <- y - m; l <- log(y); ml <- sum(w * l) / n; t <- sum(w * y * l) / n; s <- sum(w * y^2) / n
    ge0 <- list(log(m) - ml, (away / m - (l - ml)) / n)
    ge1 <- list(t / m - log(m), ((y * l - t) / m - (t / m^2 + 1 / m) * away) / n)
    ge2 <- list((s / m^2 - 1) / 2, ((y^2 - s) / m^2 - 2 * s / m^3 * away) / 2 / n)
    atk <- lapply(c(0.5, 1), function(e) {
      if (e == 1) { b <- exp(ml); v <- l - ml } else { c <- sum(w * y^(1 - e)) / n; b <- c^(1 / (1 - e)); v <- (y^(1 - e) - c) / ((1 - e) * c) }
      list(1 - b / m, b / m * (away / m - v) / n)
    })
    q <- lapply(c(0.2, 0.8), function(p) { q <- quant(p); list(sum(w * y * (y <= q)), y * (y <= q) + dens(q, y) * iq(q, p)) })
    top <- n * m - q[[2]][[1]]; ratio <- top / q[[1]][[1]]
    qsr <- list(ratio, (y - q[[2]][[2]] - ratio * q[[1]][[2]]) / q[[1]][[1]])
    all <- c(fgt, list(arpt, arpr, list(gini, gl), ge0, ge1, ge2), atk, list(qsr, list(m, away / n)))
    back <- order(o)
    list(vapply(all, `[[`, 0, 1), vapply(all, function(v) v[[2]][back], y))
  }
  by_township <- function() {
    scores <- matrix(0, nrow(x), 13); values <- list()
    for (t in unique(x$township)) { rows <- which(x$township == t); found <- one(x$y[rows], x$w[rows]); values[[t]] <- found[[1]]; scores[rows, ] <- found[[2]] }
    s <- update(d, S = scores)
    for (t in unique(x$township)) { inside <- x$township == t; v <- svyrecvar(scores * inside * x$w, d$cluster, d$strata, d$fpc) }
  }
  fgt_by_township <- function() { s <- update(d, poor = as.numeric(y < z), gap = pmax(z - y, 0) / z, square = (pmax(z - y, 0) / z)^2); svyby(~poor + gap + square, ~township, s, svymean) }
  timed("linear_13", by_township)
  timed("linear_fgt_svyby", fgt_by_township)
} else {
  x <- read.csv(file.path(folder, "hundred.csv"))
  d <- svydesign(id = ~village, strata = ~township, weights = ~w, data = x)
  fgt <- function(y, w, a) sum(w * ((z - y) / z)^a * (y < z)) / sum(w)
  gini <- function(y, w) { o <- order(y); w <- w[o]; y <- y[o]; r <- cumsum(w); n <- sum(w); sum((2 * r - 1) * w * y) / (n * sum(w * y)) - 1 }
  # As convey's svyfgt and svygini: all analysis weights as a matrix, one pass an index.
  as_convey <- function() {
    b <- as.svrepdesign(d, type = "bootstrap", replicates = 1000)
    y <- b$variables$y
    for (a in 0:2) { ww <- weights(b, "analysis"); q <- apply(ww, 2, function(w) fgt(y, w, a)); svrVar(q, b$scale, b$rscales, mse = TRUE, coef = fgt(y, weights(b, "sampling"), a)) }
    ww <- weights(b, "analysis"); q <- apply(ww, 2, function(w) gini(y, w)); svrVar(q, b$scale, b$rscales, mse = TRUE, coef = gini(y, weights(b, "sampling")))
  }
  # By hand: one pass, sorted once.
  by_hand <- function() {
    o <- order(x$y); s <- x[o, ]; ds <- svydesign(id = ~village, strata = ~township, weights = ~w, data = s)
    b <- as.svrepdesign(ds, type = "bootstrap", replicates = 1000)
    y <- s$y; p0 <- as.numeric(y < z); p1 <- pmax(z - y, 0) / z; p2 <- p1^2
    withReplicates(b, function(w, data) { n <- sum(w); wy <- w * y; c(sum(w * p0) / n, sum(w * p1) / n, sum(w * p2) / n, sum((2 * cumsum(w) - w) * wy) / (n * sum(wy)) - 1) })
  }
  timed("bootstrap_as_convey", as_convey)
  timed("bootstrap_by_hand", by_hand)
}
