package explain

// A risk is what a group of codes is about: why it matters, and the ids of the
// frameworks that know it.
type risk struct {
	why string
	ids string // separated by spaces
}

var (
	tampered = risk{
		"Whoever can change a model's files decides what it answers, and with some formats what the service executes. A digest that was reviewed once shows every later change.",
		"CWE-354 CWE-494 LLM03:2025 LLM04:2025 AML.T0018 AML.T0018.000 AML.T0031 3.1.3 6.1.3",
	}
	moved = risk{
		"What was checked is not what is used if the bytes change in between: an attacker needs only to win that race.",
		"CWE-367 LLM03:2025 AML.T0018 3.1.3 12.5.3",
	}
	unreviewed = risk{
		"Without a pin a name stands for whatever lies in its place: a moved branch, a taken-over repository, a file that was added. Nobody has said that this content is meant.",
		"CWE-494 CWE-829 LLM03:2025 AML.T0010.003 AML.T0058 AML.T0109 6.1.2 6.1.3",
	}
	unauthorised = risk{
		"The policy is the list of what may be loaded, and from where. What it does not name has no approval, whatever else is right about it.",
		"CWE-862 LLM03:2025 AML.T0010.003 AML.T0058 3.1.1 6.1.2",
	}
	incomplete = risk{
		"A model without its dictionary, configuration or data is another model: it may run, and answer wrongly.",
		"CWE-754 LLM03:2025 AML.T0031 6.1.3",
	}
	unread = risk{
		"What was not read was not judged, and hiding from a scanner is the first step of an attack. Unread is not clean, so it is refused.",
		"CWE-693 LLM03:2025 AML.T0107 6.1.1",
	}
	unrecorded = risk{
		"An admission that left no record cannot be found again when a model turns out to be bad.",
		"CWE-778 LLM03:2025 AML.T0107 12.5.3",
	}
	exhausting = risk{
		"A few bytes that ask for much memory or time stop the service that loads them, and with it everything else that it serves.",
		"CWE-400 CWE-770 CWE-1284 LLM10:2025 AML.T0029 6.1.1",
	}
	nesting = risk{
		"Structures that nest without end exhaust the stack of a reader, which takes the whole process down.",
		"CWE-400 CWE-674 LLM10:2025 AML.T0029 6.1.1",
	}
	inflating = risk{
		"Compressed data can inflate to a thousand times its size: readers that believe it run out of memory.",
		"CWE-409 CWE-770 LLM10:2025 AML.T0029 6.1.1",
	}
	malformed = risk{
		"Files that their format does not allow are how scanners are made to stop early and readers to go wrong. A strict reader refuses them as a whole.",
		"CWE-754 CWE-1284 LLM03:2025 AML.T0076 AML.T0107 6.1.1",
	}
	conflicting = risk{
		"Two readers understand this file differently: what a scanner approved is then not what the runtime uses.",
		"CWE-436 LLM03:2025 AML.T0018 AML.T0107 6.1.1",
	}
	hidden = risk{
		"Bytes that belong to nothing are a hiding place, for a second file or for code that something else picks up.",
		"CWE-436 CWE-693 LLM03:2025 AML.T0018.002 AML.T0107 6.1.1",
	}
	masked = risk{
		"A file that is not what its place or name suggests was put there by mistake or to deceive. A program that goes by the name opens something else than was judged.",
		"CWE-351 LLM03:2025 AML.T0074 4.1.2 6.1.1",
	}
	lookalike = risk{
		"People approve what they see. A name that shows as another one, or that another system takes for another one, lets a different file stand in.",
		"CWE-1007 CWE-150 LLM03:2025 AML.T0074 6.1.1",
	}
	folded = risk{
		"Where case is ignored one file stands in for the other, so what is loaded depends on the machine.",
		"CWE-178 CWE-436 LLM03:2025 AML.T0074 6.1.1",
	}
	escaping = risk{
		"A path or link that leads out of the model reads or writes other files of the machine with the rights of the service.",
		"CWE-22 CWE-59 LLM03:2025 AML.T0011.000 AML.T0105 4.3.3 6.1.1",
	}
	executing = risk{
		"Such a file is a program: whoever wrote it runs code with the rights of whoever loads it, before any answer is computed.",
		"CWE-502 LLM03:2025 AML.T0011.000 AML.T0018.002 4.1.2 6.1.1",
	}
	constructing = risk{
		"Such a file names classes and functions for the reader to build and call. Which ones is the choice of whoever wrote it.",
		"CWE-94 CWE-502 LLM03:2025 AML.T0011.000 4.1.2 6.1.1",
	}
	native = risk{
		"Programs beside a model run if anything loads or starts them, and no reader of models needs one.",
		"CWE-829 LLM03:2025 AML.T0011.001 AML.T0018.002 AML.T0050 4.1.2 6.1.1",
	}
	remoteCode = risk{
		"A configuration that brings code along makes the library that reads it run the code of whoever wrote it, or of whoever owns the repository that it names today.",
		"CWE-94 CWE-829 LLM03:2025 AML.T0011.000 AML.T0011.001 AML.T0050 4.1.2 6.1.1",
	}
	templates = risk{
		"A template decides what a model is asked, and can change the question unseen. Rendered without a sandbox it can also run code.",
		"CWE-94 CWE-1336 LLM01:2025 LLM03:2025 LLM07:2025 AML.T0018 AML.T0051 6.1.1",
	}
	unproven = risk{
		"A model's own word for where it comes from proves nothing: anyone can write it.",
		"CWE-345 LLM03:2025 AML.T0010.003 AML.T0074 6.1.2",
	}
	unlisted = risk{
		"Only formats on a list are loaded, because a format decides what a file can do to its reader.",
		"CWE-693 LLM03:2025 AML.T0011.000 4.1.2 6.1.1",
	}
	operators = risk{
		"An operator is code of the runtime or of a library that it loads. One outside the known sets does what nobody here can tell.",
		"CWE-829 LLM03:2025 LLM04:2025 AML.T0018.001 4.1.2 6.1.1",
	}
	graphs = risk{
		"A graph that contradicts itself is computed differently by different runtimes, if at all: what was tested is not what answers.",
		"CWE-436 CWE-754 LLM03:2025 LLM04:2025 AML.T0018.001 AML.T0076 6.1.1",
	}
	steering = risk{
		"What steers the runtime belongs to the service. A model that brings its own settings takes decisions that were not the model's.",
		"CWE-829 LLM03:2025 AML.T0018.001 4.1.2 6.1.1",
	}
	swapped = risk{
		"Weights that anything but the reviewed files can supply make another model of the reviewed graph.",
		"CWE-345 LLM03:2025 LLM04:2025 AML.T0018.000 6.1.3",
	}
	runtimes = risk{
		"The runtime executes with the rights of the service and sees every input and output. It is judged like a model: by what it is, not by where it lies.",
		"CWE-494 CWE-829 CWE-1395 LLM03:2025 AML.T0010.001 6.1.3",
	}
	elsewhere = risk{
		"On another device than the one that was approved and tested, results, speed and isolation differ, and nobody notices.",
		"CWE-754 LLM03:2025 AML.T0010.001 4.1.3",
	}
	failing = risk{
		"A check that failed has checked nothing, whatever the reason. It refuses until it works.",
		"CWE-693 CWE-754 LLM03:2025 AML.T0107 6.1.1",
	}
	selfApproving = risk{
		"Whoever can write a model's files could then also write the rules and digests that they are held against.",
		"CWE-345 CWE-829 LLM03:2025 AML.T0010.003 AML.T0107 6.1.2 6.1.3",
	}
	notThere = risk{
		"What lies here is not the model but what a failed or unfinished download left. A service that takes it for the model fails late, or loads what somebody put in its place.",
		"CWE-351 CWE-754 LLM03:2025 AML.T0010.003 AML.T0074 6.1.3",
	}
)
