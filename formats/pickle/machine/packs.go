package machine

// Packs are all that are built in. A pack whose text changes gets a new version.
func Packs() []Pack {
	return []Pack{
		{Name: "weights", Version: 1, Text: weightsPack},
		{Name: "numpy", Version: 1, Text: numpyPack},
		{Name: "training-args", Version: 1, Text: trainingArgsPack},
		{Name: "lightning", Version: 1, Text: lightningPack},
	}
}
