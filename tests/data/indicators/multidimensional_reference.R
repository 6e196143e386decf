# Numbers of tests/test_multidimensional.py, made with R 4.2.2 and survey 4.1-1: LINWU_PEERS=<folder> Rscript multidimensional_reference.R > ...json
# The data are mpitbR's syn_cdta; the calls are those that mpitbR::mpitb.est(set, k = 33, weights = "equal", over = "area") makes of survey (svyby of
# svyciprop, A on the subset of the poor, df = degf of the whole design), written out because mpitbR itself cannot be installed here.
suppressMessages(library(survey)); options(digits = 15)
x <- na.omit(read.csv(file.path(Sys.getenv("LINWU_PEERS"), "mpi_syn_cdta.csv")))
w <- c(d_nutr = 1/6, d_cm = 1/6, d_satt = 1/6, d_educ = 1/6, d_elct = 1/18, d_sani = 1/18, d_wtr = 1/18, d_hsg = 1/18, d_ckfl = 1/18, d_asst = 1/18)
score <- as.vector(as.matrix(x[, names(w)]) %*% w); out <- list(made_with = R.version.string, survey = as.character(packageVersion("survey")))
for (k in c(20, 33, 50)) {
  x$poor <- as.numeric(score >= k / 100); x$c <- score * x$poor; x$cens <- x$d_nutr * x$poor; x$cw <- x$d_wtr * x$poor
  s <- svydesign(id = ~psu, weights = ~weight, strata = ~stratum, data = x); f <- degf(s)
  one <- function(formula, design) { e <- svyciprop(formula, design, df = f); c(as.vector(e), SE(e), as.vector(confint(e))) }
  here <- list(H = one(~poor, s), M0 = one(~c, s), A = one(~c, subset(s, poor == 1)), hd_nutr = one(~d_nutr, s), hdk_nutr = one(~cens, s), hdk_wtr = one(~cw, s))
  for (a in sort(unique(x$area))) here[[paste0("M0_area", a)]] <- one(~c, subset(s, area == a))
  e <- svyratio(~I(cens / 6), ~c, s); here$share_nutr <- c(as.vector(coef(e)), as.vector(SE(e)))
  out[[paste0("k", k)]] <- here
}
out$n <- nrow(x); out$df <- f
cat(jsonlite::toJSON(out, digits = NA, auto_unbox = TRUE, pretty = 1), "\n")
