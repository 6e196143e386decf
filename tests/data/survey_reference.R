# Numbers of R's survey package for the tests: Rscript survey_reference.R, in this folder.
# Writes survey_reference.json: versions, and for each key the call and its numbers. Data: survey_sample.csv (invented);
# keys that begin with "api" need the package's own California schools and keep only derived numbers.
suppressMessages({library(survey); library(jsonlite)})
out <- list()
say <- function(key, call, ...) {
  expr <- substitute(call)
  value <- as.numeric(eval(expr, parent.frame()))
  out[[key]] <<- list(call = gsub(" +", " ", paste(deparse(expr, width.cutoff = 500), collapse = " ")), value = value)
}
both <- function(s) c(coef(s), SE(s))
x <- read.csv("survey_sample.csv")
two <- svydesign(id = ~village + household, strata = ~stratum, fpc = ~villages + households, weights = ~weight, data = x)
self <- svydesign(id = ~village + household, strata = ~stratum, fpc = ~villages + households, data = x)
one <- svydesign(id = ~code, strata = ~stratum, weights = ~weight, nest = TRUE, data = x)
rows <- svydesign(id = ~1, weights = ~weight, data = x)
first <- svydesign(id = ~village, strata = ~stratum, fpc = ~villages, weights = ~weight, data = x)
designs <- list(two = two, self = self, one = one, rows = rows, first = first)
for (n in names(designs)) {
  d <- designs[[n]]
  k <- function(name) paste(n, name, sep = ".")
  say(k("total"), {s <- svytotal(~income, d, deff = TRUE); c(both(s), deff(s))})
  say(k("mean"), {s <- svymean(~income, d, deff = TRUE); c(both(s), deff(s), confint(s, df = degf(d)), degf(d), cv(s))})
  say(k("replace"), deff(svymean(~income, d, deff = "replace")))
  say(k("normal"), confint(svymean(~income, d), level = 0.9))
  say(k("ratio"), {s <- svyratio(~income, ~persons, d, deff = TRUE); c(both(s), deff(s))})
  say(k("variance"), {s <- svyvar(~income, d); c(coef(s)[1], SE(s)[1])})
  say(k("covariance"), vcov(svymean(~income + persons + poor, d)))
  say(k("known"), {s <- svymean(~wage, d, na.rm = TRUE); c(both(s), degf(subset(d, !is.na(wage))))})
  say(k("by"), both(svyby(~income, ~group, d, svymean)))
  say(k("bytotal"), both(svyby(~income, ~group, d, svytotal)))
  say(k("domain"), {s <- subset(d, half == "x"); m <- svymean(~income, s, deff = TRUE); c(both(m), deff(m), degf(s))})
  say(k("domainratio"), both(svyratio(~income, ~persons, subset(d, group == "b"))))
  say(k("contrast"), {s <- svycontrast(svyby(~income, ~half, d, svymean, covmat = TRUE), c(1, -1)); both(s)})
  for (type in c("mean", "xlogit", "asin", "beta")) for (rule in c("math", "school", "hf3", "hf4", "hf5", "hf6", "hf7", "hf8", "hf9"))
    say(paste(n, "quantile", type, rule, sep = "."), t(svyquantile(~income, d, c(0.2, 0.5, 0.8), interval.type = type, qrule = rule)[[1]]))
  say(k("domainquantile"), svyquantile(~income, subset(d, half == "x"), 0.5)[[1]])
  for (method in c("mean", "xlogit", "asin", "beta", "likelihood")) {
    say(paste(n, "poor", method, sep = "."), {s <- svyciprop(~poor, d, method = method); c(coef(s), SE(s), confint(s))})
    say(paste(n, "rare", method, sep = "."), {s <- svyciprop(~rare, d, method = method, level = 0.9); c(coef(s), SE(s), confint(s))})
  }
}
groups <- data.frame(group = c("a", "b", "c"), Freq = c(420, 610, 570))
halves <- data.frame(half = c("x", "y"), Freq = c(700, 900))
tight <- list(maxit = 500, epsilon = 1e-13)
fitted <- list(
  post = postStratify(two, ~group, groups), twice = postStratify(postStratify(two, ~group, groups), ~half, halves),
  postfirst = postStratify(first, ~group + half, data.frame(expand.grid(group = c("a", "b", "c"), half = c("x", "y")), Freq = c(170, 260, 240, 250, 350, 330))),
  raked = calibrate(two, ~group + half, c(1600, 610, 570, 900), calfun = "raking", epsilon = 1e-14, maxit = 500),
  rakedold = rake(two, list(~group, ~half), list(groups, halves), control = tight),
  linear = calibrate(two, ~group + persons, c(1600, 610, 570, 5600)))
for (n in names(fitted)) {
  d <- fitted[[n]]
  k <- function(name) paste(n, name, sep = ".")
  say(k("weights"), weights(d)[1:5])
  say(k("total"), both(svytotal(~income, d)))
  say(k("mean"), both(svymean(~income, d)))
  say(k("ratio"), both(svyratio(~income, ~persons, d)))
  say(k("domain"), {s <- subset(d, half == "x"); c(both(svymean(~income, s)), both(svytotal(~income, s)))})
  say(k("quantile"), svyquantile(~income, d, 0.5)[[1]])
}
# With certainty strata (s3 here) R 4.1-1 leaves their rows out of the replicates' totals, but not out of the estimate that they are centred on.
options(survey.drop.replicates = FALSE)
for (mse in c(TRUE, FALSE)) {
  jkn <- as.svrepdesign(first, type = "JKn", mse = mse)
  jk1 <- as.svrepdesign(svydesign(id = ~village, weights = ~weight, data = x), type = "JK1", mse = mse)
  k <- function(name) paste("jackknife", name, mse, sep = ".")
  say(k("jkn"), c(both(svytotal(~income, jkn)), both(svymean(~income, jkn)), both(svyratio(~income, ~persons, jkn)), both(svymean(~income, subset(jkn, half == "x")))))
  say(k("jk1"), c(both(svytotal(~income, jk1)), both(svymean(~income, jk1)), both(svyratio(~income, ~persons, jk1))))
  say(k("post"), {s <- postStratify(jkn, ~group, groups); c(both(svymean(~income, s)), both(svytotal(~income, s)))})
  say(k("raked"), {s <- rake(jkn, list(~group, ~half), list(groups, halves), control = tight); c(both(svymean(~income, s)), both(svytotal(~income, s)))})
}
lone <- data.frame(s = c(1, 1, 1, 2, 3, 3, 3, 4), w = c(10, 12, 9, 20, 8, 8, 9, 15), y = c(3, 5, 4, 9, 7, 2, 6, 8), g = c(1, 1, 0, 1, 0, 1, 1, 0))
for (how in c("certainty", "remove", "adjust", "average")) {
  options(survey.lonely.psu = how)
  d <- svydesign(id = ~1, strata = ~s, weights = ~w, data = lone)
  k <- function(name) paste("lone", name, how, sep = ".")
  say(k("taylor"), c(SE(svymean(~y, d)), SE(svytotal(~y, d)), SE(svymean(~y, subset(d, g == 1)))))
  say(k("jackknife"), SE(svymean(~y, as.svrepdesign(d, type = "JKn", mse = TRUE))))
}
options(survey.lonely.psu = "fail")
say("brewer.mean", both(svymean(~income, svydesign(id = ~1, weights = ~weight, fpc = ~f, pps = "brewer", data = transform(x, f = 1 / weight)))))
options(survey.ultimate.cluster = TRUE)
say("ultimate.mean", both(svymean(~income, two)))
options(survey.ultimate.cluster = FALSE)

data(api)
schools <- list(
  srs = svydesign(id = ~1, fpc = ~fpc, weights = ~pw, data = apisrs), strat = svydesign(id = ~1, strata = ~stype, fpc = ~fpc, weights = ~pw, data = apistrat),
  clus1 = svydesign(id = ~dnum, fpc = ~fpc, weights = ~pw, data = apiclus1), clus2 = svydesign(id = ~dnum + snum, fpc = ~fpc1 + fpc2, data = apiclus2))
for (n in names(schools)) {
  d <- schools[[n]]
  k <- function(name) paste("api", n, name, sep = ".")
  say(k("mean"), {s <- svymean(~api00, d, deff = TRUE); c(both(s), deff(s), confint(s, df = degf(d)), degf(d))})
  say(k("total"), both(svytotal(~enroll, d, na.rm = TRUE)))
  say(k("ratio"), both(svyratio(~api.stu, ~enroll, d, na.rm = TRUE)))
  say(k("median"), svyquantile(~api00, d, 0.5)[[1]])
  say(k("award"), {s <- svyciprop(~I(awards == "Yes"), d, method = "beta"); c(coef(s), confint(s))})
  say(k("by"), both(svyby(~api00, ~stype, d, svymean)))
}
lines <- sprintf("  %s: %s", sapply(names(out), toJSON, auto_unbox = TRUE), sapply(out, toJSON, auto_unbox = TRUE, digits = NA))
head <- sprintf("{\"software\": %s, \"survey\": %s, \"numbers\": {", toJSON(R.version.string, auto_unbox = TRUE), toJSON("4.1-1", auto_unbox = TRUE))
stopifnot(packageVersion("survey") == "4.1.1")
writeLines(c(head, paste0(lines, c(rep(",", length(lines) - 1), "")), "}}"), "survey_reference.json", useBytes = TRUE)
