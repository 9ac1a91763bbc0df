// Package main names the program that the tests of the chart are run with: go.sum pins what it is built from.
package main

import _ "helm.sh/helm/v3/pkg/chart"

func main() {}
