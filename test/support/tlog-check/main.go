// Checks a transparency log, and proofs that others made of it, with Go's own packages for checksum databases.
package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// tiles reads the layout of c2sp.org/tlog-tiles, which is Go's without the height.
type tiles struct{ dir string }

func (t tiles) Height() int { return 8 }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		place := strings.TrimPrefix(tile.Path(), "tile/8/")
		data, err := os.ReadFile(filepath.Join(t.dir, "tile", place))
		if os.IsNotExist(err) && tile.W != 256 {
			whole := tile
			whole.W = 256
			place = strings.TrimPrefix(whole.Path(), "tile/8/")
			data, err = os.ReadFile(filepath.Join(t.dir, "tile", place))
			if err == nil {
				data = data[:tile.W*tlog.HashSize]
			}
		}
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

type question struct {
	Dir, VerifierKey string
	// Inclusion proofs of others: number of the leaf, record, path.
	Inclusions []struct {
		Index  int64
		Record string
		Proof  []string
	}
	// Consistency proofs of others: an older tree head, and the way from it to the log's checkpoint.
	Consistencies []struct {
		Size  int64
		Root  string
		Proof []string
	}
	// Leaves and sizes for which proofs are asked.
	Prove      []int64
	ProveSince []int64
}

type answer struct {
	Size          int64
	Root          string
	Inclusions    []string
	Consistencies []string
	Proofs        [][]string
	SinceProofs   [][]string
	SinceRoots    []string
	// A note that this program has signed with a key of its own, for others to open.
	Note, NoteKey string
}

func main() {
	var asked question
	must(json.NewDecoder(os.Stdin).Decode(&asked))
	verifier, err := note.NewVerifier(asked.VerifierKey)
	must(err)
	signed, err := os.ReadFile(filepath.Join(asked.Dir, "checkpoint"))
	must(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root := hash(lines[2])
	tree := tlog.Tree{N: size, Hash: root}
	// This reader checks every tile that it reads against the root.
	reader := tlog.TileHashReader(tree, tiles{asked.Dir})
	out := answer{Size: size, Root: root.String()}
	for _, one := range asked.Inclusions {
		err := tlog.CheckRecord(hashes(one.Proof), size, root, one.Index, tlog.RecordHash([]byte(one.Record)))
		out.Inclusions = append(out.Inclusions, verdict(err))
	}
	for _, one := range asked.Consistencies {
		err := tlog.CheckTree(tlog.TreeProof(hashes(one.Proof)), size, root, one.Size, hash(one.Root))
		out.Consistencies = append(out.Consistencies, verdict(err))
	}
	for _, index := range asked.Prove {
		proof, err := tlog.ProveRecord(size, index, reader)
		must(err)
		out.Proofs = append(out.Proofs, texts(proof))
	}
	for _, since := range asked.ProveSince {
		proof, err := tlog.ProveTree(size, since, reader)
		must(err)
		out.SinceProofs = append(out.SinceProofs, texts(proof))
		older, err := tlog.TreeHash(since, reader)
		must(err)
		out.SinceRoots = append(out.SinceRoots, older.String())
	}
	private, public, err := note.GenerateKey(rand.Reader, "go.example/log")
	must(err)
	signer, err := note.NewSigner(private)
	must(err)
	made, err := note.Sign(&note.Note{Text: "go.example/log\n0\n" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + "\n"}, signer)
	must(err)
	out.Note, out.NoteKey = string(made), public
	must(json.NewEncoder(os.Stdout).Encode(out))
}

func hash(text string) tlog.Hash {
	parsed, err := tlog.ParseHash(text)
	must(err)
	return parsed
}

func hashes(list []string) tlog.RecordProof {
	proof := tlog.RecordProof{}
	for _, text := range list {
		proof = append(proof, hash(text))
	}
	return proof
}

func texts[T ~[]tlog.Hash](proof T) []string {
	list := []string{}
	for _, one := range proof {
		list = append(list, one.String())
	}
	return list
}

func verdict(err error) string {
	if err != nil {
		return err.Error()
	}
	return "holds"
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
