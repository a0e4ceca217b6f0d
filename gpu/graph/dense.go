package graph

import (
	"context"
	"io/fs"
	"path"

	"github.com/weightgate/weightgate/formats"
)

// composeDense is a linear layer and its activation.
func composeDense(ctx context.Context, e *embedding, name, dir string, files fs.FS, tensors []formats.Tensor) error {
	c, err := readConfig(ctx, files, path.Join(dir, "config.json"))
	if err != nil {
		return err
	}
	in, out, biased := c.within("in_features", e.width, e.width), c.count("out_features"), c.flag("bias")
	activation := c.activationClass("activation_function")
	c.only("use_residual", false)
	c.moduleNames()
	if err := c.refuseUnknown(); err != nil {
		return err
	}
	e.open(dir, tensors)
	inputs := []string{e.value, e.parameter("linear.weight", out, in)}
	if biased {
		inputs = append(inputs, e.parameter("linear.bias", out))
	}
	linear := e.add(name+"/linear", "Gemm", inputs, integer("transB", 1))
	e.value = e.activate(activation, name, linear)
	e.width = out
	return e.refuseExtra()
}

// activationClasses are those of PyTorch, each as it is without arguments.
var activationClasses = map[string]string{
	"torch.nn.modules.activation.GELU": gelu,
	"torch.nn.modules.activation.ReLU": relu,
	"torch.nn.modules.activation.SiLU": silu,
	"torch.nn.modules.activation.Tanh": tanh,
	"torch.nn.modules.linear.Identity": identity,
}

// activationClass reads which activation the config of a Dense names.
func (c *config) activationClass(key string) string {
	class := c.text(key)
	activation, computed := activationClasses[class]
	if !computed {
		c.fail(ErrUnsupported, key, "%s is not computed", show(class))
	}
	return activation
}
