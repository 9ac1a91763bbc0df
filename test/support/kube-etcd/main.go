// The etcd that kube-apiserver stores in. The module pins both; kube-apiserver has a program of its own.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
