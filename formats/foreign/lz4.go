package foreign

import "encoding/binary"

// unpackLZ4 is what the first block of an LZ4 frame holds, up to unpackedRead
// bytes (LZ4 Frame Format 1.6.4). Blocks of the legacy format are read alike.
func unpackLZ4(frame []byte) []byte {
	header := 4
	if string(frame[:4]) == "\x04\x22\x4d\x18" {
		header = 7 // magic, flags, block size, checksum
		if frame[4]&0x08 != 0 {
			header += 8 // the content's size
		}
		if frame[4]&0x01 != 0 {
			header += 4 // a dictionary's id
		}
	}
	if len(frame) < header+4 {
		return nil
	}
	length := binary.LittleEndian.Uint32(frame[header:])
	block := frame[header+4:]
	if stored := length&(1<<31) != 0; stored {
		return block[:min(int(length&^(1<<31)), len(block), unpackedRead)]
	}
	return lz4Block(block[:min(int(length), len(block))])
}

// lz4Block unpacks as much of a block as there is (LZ4 Block Format).
func lz4Block(block []byte) []byte {
	var out []byte
	next := func() byte {
		if len(block) == 0 {
			return 0
		}
		b := block[0]
		block = block[1:]
		return b
	}
	length := func(nibble byte) int {
		n := int(nibble)
		for more := nibble == 15; more && n <= unpackedRead; {
			b := next()
			n += int(b)
			more = b == 255
		}
		return n
	}
	for len(block) > 0 && len(out) < unpackedRead {
		token := next()
		literals := min(length(token>>4), len(block))
		out = append(out, block[:literals]...)
		block = block[literals:]
		if len(block) < 2 {
			break
		}
		distance := int(next()) | int(next())<<8
		if distance == 0 || distance > len(out) {
			break
		}
		for range length(token&15) + 4 {
			out = append(out, out[len(out)-distance])
		}
	}
	return out[:min(len(out), unpackedRead)]
}
