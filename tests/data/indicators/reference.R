# Numbers of R for the tests of the indices: Rscript reference.R PEERS, in this folder (PEERS: a folder with eusilc.csv, or nothing).
# Values come from laeken where it has the index, else from the textbook formula; standard errors from survey's svytotal of linearised variables.
# The linearised variable of an index T is its derivative to each weight, taken here by a complex step (T with weight k moved by 1e-30 i; exact to
# the last digit), so it owes nothing to the formulas of the package under test. Quantiles and their densities are those of convey (h_fun, densfun,
# computeQuantiles: smallest value whose share reaches p; Gaussian kernel, h = sd N^-0.2).
# Data: ../survey_sample.csv (invented). Keys that begin with "eusilc" need laeken's synthetic data and keep only derived numbers.
suppressMessages({library(survey); library(laeken); library(jsonlite)})
out <- list()
put <- function(key, call, value) out[[key]] <<- list(call = call, value = as.numeric(value))
step <- 1e-30
slopes <- function(T, w) vapply(seq_along(w), function(k) { m <- as.complex(w); m[k] <- m[k] + 1i * step; Im(T(m)) / step }, 0)
# Indices as functions of income y (ascending), weights w (complex), line z (complex); u: sign of the boundary.
under <- function(y, z, u) if (u == "<") y < Re(z) else y <= Re(z)
fgt <- function(y, w, z, a, u = "<", clip = TRUE, money = FALSE) {
  v <- if (clip) pmax(y, 0) else y
  p <- under(y, z, u)
  g <- if (a == 0) p else ifelse(p, (if (money) z - v else (z - v) / z)^a, 0)
  sum(w * g) / sum(w)
}
gini <- function(y, w) sum((2 * cumsum(w) - w) * w * y) / (sum(w) * sum(w * y)) - 1
cgini <- function(y, w) sum((2 * cumsum(w) - 1) * w * y) / (sum(w) * sum(w * y)) - 1
watts <- function(y, w, z) { p <- y < Re(z); sum((w * log(z / y))[p]) / sum(w) }
sen <- function(y, w, z, u = "<", G = gini) {
  p <- under(y, z, u); g <- G(y[p], w[p])
  fgt(y, w, z, 0, u) * g + fgt(y, w, z, 1, u) * (1 - g)
}
sst <- function(y, w, z, u = "<", G = gini) {
  gap <- ifelse(under(y, z, u), (z - pmax(y, 0)) / z, 0); o <- order(Re(gap))
  fgt(y, w, z, 1, u) * (1 + G(gap[o], w[o]))
}
entropy <- function(y, w, a) {
  x <- y / (sum(w * y) / sum(w)); n <- sum(w)
  if (a == 0) -sum(w * log(x)) / n else if (a == 1) sum(w * x * log(x)) / n else (sum(w * x^a) / n - 1) / (a * (a - 1))
}
atkinson <- function(y, w, e) {
  m <- sum(w * y) / sum(w)
  if (e == 1) 1 - exp(sum(w * log(y)) / sum(w)) / m else 1 - (sum(w * y^(1 - e)) / sum(w))^(1 / (1 - e)) / m
}
hoover <- function(y, w) { m <- sum(w * y) / sum(w); sum(w * (y - m) * sign(Re(y - m))) / (2 * sum(w) * m) }
logvar <- function(y, w) { m <- sum(w * log(y)) / sum(w); sum(w * (log(y) - m)^2) / sum(w) }
poorest <- function(y, w, p) {
  r <- cumsum(w); want <- p * sum(w); k <- which(Re(r) >= Re(want) * (1 - 1e-15))[1]
  sum((w * y)[seq_len(k)]) - y[k] * (r[k] - want)
}
lorenz <- function(y, w, p) poorest(y, w, p) / sum(w * y)
ratio <- function(y, w, top, bottom) (sum(w * y) - poorest(y, w, 1 - top)) / poorest(y, w, bottom)
quant <- function(y, w, p) { o <- order(y); y[o][which(cumsum(w[o]) / sum(w) >= p - 1e-12)[1]] }
width <- function(y, w) { n <- sum(w); sqrt((sum(w * y * y) - sum(w * y)^2 / n) / n) / n^0.2 }
dens <- function(y, w, x, v = 1) sum(w * v * dnorm((x - y) / width(y, w))) / width(y, w) / sum(w)
qlin <- function(y, w, p) { q <- quant(y, w, p); -((y <= q) - p) / (sum(w) * dens(y, w, q)) }
# Value and standard error: lin is for rows sorted by income; heads counts the persons of a row.
said <- function(d, key, call, value, lin, rows) {
  z <- numeric(nrow(d$variables)); z[rows] <- lin
  d <- update(d, lin__ = z)
  put(key, call, c(value, SE(svytotal(~lin__, d))))
}
study <- function(name, d, z, inside = NULL, heads = NULL, var = "income") {
  x <- d$variables
  y0 <- x[[var]]; w0 <- weights(d); if (!is.null(heads)) { y0 <- y0 / x[[heads]]; w0 <- w0 * x[[heads]] }
  here <- if (is.null(inside)) rep(TRUE, nrow(x)) else inside
  rows <- which(here & w0 > 0); rows <- rows[order(y0[rows])]
  y <- y0[rows]; w <- w0[rows]; m <- if (is.null(heads)) 1 else x[[heads]][rows]
  k <- function(what) paste(name, what, sep = ".")
  T <- function(what, call, f) said(d, k(what), call, Re(f(as.complex(w))), slopes(f, w) * m, rows)
  T("mean", "mean", function(w) sum(w * y) / sum(w))
  for (a in c(0, 0.5, 1, 2, 3)) T(paste0("fgt", a), "svyfgt, <", function(w) fgt(y, w, z, a))
  T("fgt0le", "svyfgt(g=0)", function(w) fgt(y, w, z, 0, "<="))
  T("money1", "mean gap in money", function(w) fgt(y, w, z, 1, money = TRUE))
  T("money2", "mean squared gap in money", function(w) fgt(y, w, z, 2, money = TRUE))
  T("igr", "FGT1/FGT0", function(w) fgt(y, w, z, 1) / fgt(y, w, z, 0))
  T("gini", "laeken::gini / 100", function(w) gini(y, w))
  T("cgini", "convey::svygini", function(w) cgini(y, w))
  T("hoover", "half relative mean deviation", function(w) hoover(y, w))
  T("ge2", "svygei(epsilon=2)", function(w) entropy(y, w, 2))
  T("s80s20", "share ratio, exact shares", function(w) ratio(y, w, 0.2, 0.2))
  T("palma", "top tenth over bottom four tenths", function(w) ratio(y, w, 0.1, 0.4))
  for (p in c(0.1, 0.2, 0.5, 0.8)) T(paste0("lorenz", p), "svylorenz", function(w) lorenz(y, w, p))
  T("glorenz0.3", "generalised Lorenz", function(w) poorest(y, w, 0.3) / sum(w))
  if (min(y) > 0) {
    T("watts", "svywatts", function(w) watts(y, w, z))
    T("sen", "H G + FGT1 (1 - G)", function(w) sen(y, w, z))
    T("csen", "svysen", function(w) sen(y, w, z, "<=", cgini))
    T("sst", "FGT1 (1 + G)", function(w) sst(y, w, z))
    T("csst", "svysst", function(w) sst(y, w, z, "<=", cgini))
    for (a in c(-1, 0, 0.5, 1, 3)) T(paste0("ge", a), "svygei", function(w) entropy(y, w, a))
    for (e in c(0.5, 1, 2)) T(paste0("atk", e), "svyatk", function(w) atkinson(y, w, e))
    T("logvar", "variance of logs", function(w) logvar(y, w))
  } else T("fgt1keep", "svyfgt(g=1), incomes below zero kept", function(w) fgt(y, w, z, 1, "<=", FALSE))
  # Quantiles, shares of whole rows, and relative lines.
  S <- function(what, call, value, lin) said(d, k(what), call, value, lin * m, rows)
  n <- sum(w)
  for (p in c(0.1, 0.5, 0.9)) S(paste0("q", p), "svyiqalpha", quant(y, w, p), qlin(y, w, p))
  a <- quant(y, w, 0.9); b <- quant(y, w, 0.1)
  S("p90p10", "ratio of two svyiqalpha", a / b, (qlin(y, w, 0.9) - a / b * qlin(y, w, 0.1)) / b)
  held <- function(p) { q <- quant(y, w, p); list(v = sum(w * y * (y <= q)), l = y * (y <= q) + n * dens(y, w, q, y) * qlin(y, w, p)) }
  lo <- held(0.2); hi <- held(0.8); top <- sum(w * y) - hi$v
  S("qsr", "svyqsr", top / lo$v, (y - hi$l - top / lo$v * lo$l) / lo$v)
  # The whole design's threshold: 60 % of its median, or of its mean.
  all <- which(w0 > 0); ya <- y0[all]; wa <- w0[all]; ma <- if (is.null(heads)) 1 else x[[heads]][all]
  A <- function(what, call, value, own, slope, linz) {
    lin <- numeric(nrow(x)); lin[rows] <- own * m; lin[all] <- lin[all] + slope * linz * ma
    said(d, k(what), call, value, lin, seq_len(nrow(x)))
  }
  lines <- list(med = list(z = 0.6 * quant(ya, wa, 0.5), l = 0.6 * qlin(ya, wa, 0.5)), avg = list(z = 0.6 * sum(wa * ya) / sum(wa), l = 0.6 * (ya - sum(wa * ya) / sum(wa)) / sum(wa)))
  for (r in names(lines)) {
    t <- lines[[r]]$z; linz <- lines[[r]]$l
    R <- function(what, call, f) A(paste(what, r, sep = "_"), call, Re(f(as.complex(w), t)), slopes(function(w) f(w, t), w), Im(f(w, t + 1i * step)) / step, linz)
    arpr <- sum(w * (y < t)) / n
    A(paste0("arpr_", r), "svyarpr, <", arpr, ((y < t) - arpr) / n, dens(y, w, t), linz)
    for (g in c(1, 2)) R(paste0("fgt", g), "svyfgt(type_thresh=)", function(w, z) fgt(y, w, z, g))
    R("sst", "SST, relative line", function(w, z) sst(y, w, z))
    if (min(y) > 0) R("watts", "Watts, relative line", function(w, z) watts(y, w, z))
    p <- y < t; q <- quant(y[p], w[p], 0.5)
    own <- (0.5 * (p - arpr) - ((y <= q) - 0.5 * arpr)) / (n * dens(y, w, q)); along <- 0.5 * dens(y, w, t) / dens(y, w, q)
    A(paste0("poormed_", r), "svypoormed, <", q, own, along, linz)
    A(paste0("rmpg_", r), "svyrmpg, <", 1 - q / t, -own / t, q / t^2 - along / t, linz)
  }
  S("arpt", "svyarpt of the domain", 0.6 * quant(y, w, 0.5), 0.6 * qlin(y, w, 0.5))
}
x <- read.csv("../survey_sample.csv")
x$loss <- x$income - 1800
two <- svydesign(id = ~village + household, strata = ~stratum, fpc = ~villages + households, weights = ~weight, data = x)
first <- svydesign(id = ~village, strata = ~stratum, fpc = ~villages, weights = ~weight, data = x)
plain <- svydesign(id = ~1, weights = ~weight, data = x)
study("two", two, 2952)
study("first", first, 4000)
study("plain", plain, 2952)
study("half", two, 2952, x$half == "x")
study("group", first, 4000, x$group == "b")
study("heads", two, 900, heads = "persons")
study("loss", two, 2952, var = "loss")
raked <- calibrate(two, ~group + half, c(1600, 610, 570, 900), calfun = "raking", epsilon = 1e-14, maxit = 500)
study("raked", raked, 2952)
w <- x$weight; y <- x$income
put("laeken.gini", "laeken::gini", laeken::gini(y, w)$value)
put("laeken.qsr", "laeken::qsr", qsr(y, w)$value)
put("laeken.arpt", "laeken::arpt", arpt(y, w))
put("laeken.arpr", "laeken::arpr", arpr(y, w)$value)
put("laeken.rmpg", "laeken::rmpg", rmpg(y, w)$value)
put("laeken.median", "laeken::incMedian", incMedian(y, w))
put("laeken.mean", "laeken::incMean", incMean(y, w))
put("laeken.quintile", "laeken::weightedQuantile(c(.2,.4,.6,.8))", weightedQuantile(y, w, c(.2, .4, .6, .8)))
put("laeken.ginigroup", "laeken::gini(breakdown=group)", laeken::gini(y, w, breakdown = x$group)$valueByStratum$value)
put("laeken.arprgroup", "laeken::arpr(breakdown=group)", arpr(y, w, breakdown = x$group)$valueByStratum$value)
put("laeken.equal", "gini, qsr, rmpg, arpr without weights", c(laeken::gini(y)$value, qsr(y)$value, rmpg(y)$value, arpr(y)$value))
put("survey.mean", "svyby(~income, ~group, two, svymean)", { s <- svyby(~income, ~group, two, svymean); c(coef(s), SE(s)) })
peers <- commandArgs(TRUE)
if (length(peers)) {
  e <- read.csv(file.path(peers[1], "eusilc.csv"))
  put("eusilc.laeken", "gini, qsr, rmpg, arpr, arpt", c(laeken::gini(e$eqIncome, e$rb050)$value, qsr(e$eqIncome, e$rb050)$value, rmpg(e$eqIncome, e$rb050)$value, arpr(e$eqIncome, e$rb050)$value, arpt(e$eqIncome, e$rb050)))
  put("eusilc.ginis", "laeken::gini(breakdown=db040)", laeken::gini(e$eqIncome, e$rb050, breakdown = e$db040)$valueByStratum$value)
  put("eusilc.arprs", "laeken::arpr(breakdown=db040)", arpr(e$eqIncome, e$rb050, breakdown = e$db040)$valueByStratum$value)
  put("eusilc.rmpgs", "laeken::rmpg(breakdown=db040)", rmpg(e$eqIncome, e$rb050, breakdown = e$db040)$valueByStratum$value)
  # Replicate weights that were made beforehand, one factor for each unit.
  meta <- fromJSON(file.path(peers[1], "eusilc_replicate_meta.json"))
  for (kind in c("jkn", "boot", "raowu")) {
    f <- read.csv(file.path(peers[1], paste0("eusilc_", kind, "_factors.csv")))
    F <- as.matrix(f[match(paste(e$db040, e$psu), paste(f$db040, f$psu)), -(1:2)])
    rscales <- if (kind == "jkn") read.csv(file.path(peers[1], "eusilc_jkn_rscales.csv"))$rscale else 1
    rep <- svrepdesign(data = e, weights = ~rb050, repweights = F, combined.weights = FALSE, type = "other", scale = meta[[kind]]$scale, rscales = rscales, mse = TRUE)
    o <- order(e$eqIncome); y <- e$eqIncome[o]
    found <- withReplicates(rep, function(w, data) {
      w <- w[o]; k <- w > 0; w <- w[k]; y <- y[k]; t <- 0.6 * quant(y, w, 0.5)
      c(sum(w * y) / sum(w), fgt(y, w, 10000, 0), fgt(y, w, 10000, 1), fgt(y, w, 10000, 2), gini(y, w), ratio(y, w, 0.2, 0.2), sum(w * (y < t)) / sum(w), t)
    })
    put(paste0("eusilc.rep", kind), "withReplicates: mean, FGT 0 1 2, gini, s80s20, arpr, arpt", c(coef(found), SE(found)))
  }
  small <- e[e$db040 %in% c("Tyrol", "Salzburg") & e$eqIncome > 0, ]
  study("eusilc", svydesign(id = ~psu, strata = ~db040, weights = ~rb050, data = small), 10000, small$db040 == "Tyrol", var = "eqIncome")
}
writeLines(toJSON(list(software = R.version.string, survey = as.character(packageVersion("survey")), laeken = as.character(packageVersion("laeken")), numbers = out), digits = 15, auto_unbox = TRUE, pretty = 1), "reference.json")
