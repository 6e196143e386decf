# Numbers of tests/test_small_area.py, made with R 4.2.2 and metafor 3.8-1: LINWU_PEERS=<folder> Rscript small_area_reference.R > small_area_reference.json
# The area variance is metafor's (milk) or that of base R's optimize and uniroot on the likelihood and the moment equation (grapes, whose sampling variances
# span nine orders of magnitude); predictor and mean squared error are the formulas of Rao and Molina (2015), section 6.2, on whole matrices.
suppressMessages(library(metafor)); options(digits = 15)
folder <- Sys.getenv("LINWU_PEERS")
m <- read.csv(file.path(folder, "sae_milk.csv")); g <- read.csv(file.path(folder, "sae_grapes.csv"))
predicted <- function(y, X, psi, A, method) {
  m <- length(y); V <- diag(A + psi); Vi <- solve(V); Q <- solve(t(X) %*% Vi %*% X); b <- Q %*% t(X) %*% Vi %*% y
  gam <- A / (A + psi); B <- 1 - gam
  g1 <- gam * psi; g2 <- B^2 * diag(X %*% Q %*% t(X)); I1 <- sum(diag(Vi)); I2 <- sum(diag(Vi)^2)
  vA <- if (method == "FH") 2 * m / I1^2 else 2 / I2; g3 <- psi^2 / (A + psi)^3 * vA
  bias <- switch(method, REML = 0, ML = -sum(diag(Q %*% t(X) %*% Vi %*% Vi %*% X)) / I2, FH = 2 * (m * I2 - I1^2) / I1^3)
  list(A = A, beta = as.vector(b), eblup = as.vector(X %*% b + gam * (y - X %*% b)), mse = as.vector(g1 + g2 + 2 * g3 - bias * B^2))
}
by_hand <- function(y, X, psi, method) {
  beta <- function(A) { V <- 1 / (A + psi); solve(t(X) %*% (V * X), t(X) %*% (V * y)) }
  rest <- function(A) sum((y - X %*% beta(A))^2 / (A + psi))
  if (method == "FH") return(uniroot(function(A) rest(A) - (length(y) - ncol(X)), c(0, 1e5), tol = 1e-12)$root)
  height <- function(A) -.5 * sum(log(A + psi)) - .5 * rest(A) - (method == "REML") * .5 * log(det(t(X) %*% (X / (A + psi))))
  optimize(height, c(0, 1e4), maximum = TRUE, tol = 1e-12)$maximum
}
out <- list(made_with = R.version.string, metafor = as.character(packageVersion("metafor")))
X <- model.matrix(~ factor(MajorArea), m); Xg <- as.matrix(g[, c("area", "workdays")]); vi <- m$SD^2
for (k in c("REML", "ML", "FH")) {
  r <- rma.uni(m$yi, vi, mods = X, intercept = FALSE, method = c(REML = "REML", ML = "ML", FH = "PM")[[k]], control = list(threshold = 1e-14, maxiter = 10000, tol = 1e-14))
  out[[paste0("milk_", k)]] <- predicted(m$yi, X, vi, r$tau2, k)
  one <- predicted(g$grapehect, Xg, g$var, by_hand(g$grapehect, Xg, g$var, k), k)
  out[[paste0("grapes_", k)]] <- list(A = one$A, beta = one$beta, eblup = head(one$eblup, 20), mse = head(one$mse, 20))
}
# Published output of R's sae, REML on milk: the package's own example, as quoted with the tests of Python's samplics.
out$sae_milk_REML <- list(
  call = "sae::mseFH(yi ~ as.factor(MajorArea), SD^2, data = milk)", refvar = 0.01855022,
  beta = c(0.9681890, 0.1327801, 0.2269462, -0.2413011), std_error = c(0.06936208, 0.10300072, 0.09232981, 0.08161707),
  eblup = c(1.0219703, 1.0476018, 1.0679513, 0.7608170, 0.8461574), mse = c(0.013460220, 0.005372876, 0.005701990, 0.008541740, 0.009579594))
out$sae_milk_ML <- list(eblup = c(1.0161733, 1.0436968, 1.0628168, 0.7753489, 0.8554903), mse = c(0.013579953, 0.005512868, 0.005850584, 0.008735454, 0.009774528))
out$sae_milk_FH <- list(eblup = c(1.017975, 1.044963, 1.064480, 0.770692, 0.852512), mse = c(0.012757016, 0.005314467, 0.005632201, 0.008323471, 0.009283520))
cat(jsonlite::toJSON(out, digits = NA, auto_unbox = TRUE, pretty = 1), "\n")
