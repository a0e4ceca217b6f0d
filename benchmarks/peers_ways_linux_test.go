package benchmarks

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/benchmarks/results"
)

// A peer that is not there, that ends badly, or that says nothing is an error,
// and never a sample.
func TestPeersThatDidNotRun(t *testing.T) {
	j := small(t)
	fails := func(t *testing.T, way, path string) {
		j := j
		j.Way = way
		for _, p := range peers() {
			*p.at(&j.Tools) = path
		}
		j.Tools.Weightgate = path
		_, err := j.inChild()
		require.Error(t, err, path)
	}
	for _, way := range []string{
		convertCommand, inspectCommand, torchReference, torchSynced, picklescan, modelscan, fickling,
		pythonTorchLoad, sha256sum, openssl, b3sum,
	} {
		t.Run(way, func(t *testing.T) {
			fails(t, way, "/nowhere")
			fails(t, way, "/bin/false")
			fails(t, way, "/bin/true")
		})
	}
	for _, way := range []string{
		startOfWeightgate, startOfPicklescan, startOfModelscan, startOfFickling, startOfModelSigning,
		modelSigningFiles, modelSigningShards,
	} {
		t.Run(way, func(t *testing.T) {
			fails(t, way, "/nowhere")
			fails(t, way, "/bin/false")
		})
	}
}

// Every way that is a program of others has a peer whose absence is noticed.
func TestEveryPeerIsLookedFor(t *testing.T) {
	of := map[string]int{}
	for _, p := range peers() {
		for _, way := range p.ways {
			of[way]++
		}
	}
	for _, w := range ways() {
		if w.kind == results.Program {
			require.Equal(t, 1, of[w.name], w.name)
		}
	}
}

// What is missing is told in a line that says how to get it.
func TestPeerThatIsMissing(t *testing.T) {
	for _, p := range peers() {
		nowhere := "/nowhere"
		p.command = &nowhere
		_, _, err := p.find()
		require.ErrorContains(t, err, "peer "+p.name+" did not run")
		require.ErrorContains(t, err, p.install)
		require.Contains(t, p.install, "install")
		require.NotContains(t, p.install, "%!")
		require.ErrorContains(t, err, "-without "+p.name+"=")
	}
}

// A reason is asked for, and a name that is a peer's.
func TestReasons(t *testing.T) {
	r := reasons{}
	require.Error(t, r.Set("b3sum"))
	require.Error(t, r.Set("b3sum="))
	require.Error(t, r.Set("b2sum=there is none"))
	require.NoError(t, r.Set("b3sum=there is none for this machine"))
	require.Equal(t, reasons{"b3sum": "there is none for this machine"}, r)

	require.NoError(t, r.alone())
	require.NoError(t, r.Set("torch=it is large"))
	require.NoError(t, r.Set("fickling=it is slow"))
	require.ErrorContains(t, r.alone(), "peer picklescan judges")
	require.ErrorContains(t, r.alone(), "peer modelscan judges")
	require.NotContains(t, r.alone().Error(), "fickling")
}

// Results in which a peer was not measured are none.
func TestUnmeasuredPeers(t *testing.T) {
	run := &results.Run{}
	for _, p := range peers()[1:] {
		run.Tables = append(run.Tables, results.Table{Rows: []results.Row{{Way: p.ways[0]}}})
	}
	_, err := told(run)
	require.ErrorContains(t, err, "peer "+peers()[0].name+" was not measured")
	run.Tables = append(run.Tables, results.Table{Rows: []results.Row{{Way: peers()[0].ways[0]}}})
	all, err := told(run)
	require.NoError(t, err)
	require.Len(t, all, len(peers()))
}
