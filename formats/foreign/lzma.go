package foreign

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/bits"

	"github.com/weightgate/weightgate/formats/internal/peek"
)

// lzmaHeader is the size of an .lzma file's header: properties, dictionary, length.
const lzmaHeader = 13

// lzmaUnknown stands for the length of a stream that ends with a mark.
const lzmaUnknown = 1<<64 - 1

// lzmaRatio is more than the number of bytes that one byte ever unpacks to.
const lzmaRatio = 1 << 13

// lzmaFits checks the header that .lzma files have in place of a magic, as xz does:
// properties in range, a dictionary of 2^n or 2^n + 2^(n-1) bytes, a length that
// is unknown or below 256 GiB, and the zero that the range coder begins with.
func lzmaFits(p *peek.File) bool {
	head := p.Head(lzmaHeader + 1)
	if len(head) <= lzmaHeader || head[lzmaHeader] != 0 {
		return false
	}
	dictionary := binary.LittleEndian.Uint32(head[1:])
	length := binary.LittleEndian.Uint64(head[5:])
	known := dictionary >= 1<<12 && bits.OnesCount32(dictionary) <= 2 &&
		(bits.OnesCount32(dictionary) == 1 || dictionary&(dictionary>>1) != 0)
	return known && (length == lzmaUnknown || length > 0 && length < 1<<38)
}

// unpackLZMA is what an .lzma file holds, as far as its start tells. It is sound if
// that comes to the length or the mark of its end, or to where no more is read.
func unpackLZMA(p *peek.File) (start []byte, sound bool) {
	head := p.Head(packedRead)
	if !lzmaFits(p) {
		return nil, false
	}
	d, ok := newLZMA(head[0])
	if !ok {
		return nil, false
	}
	length := binary.LittleEndian.Uint64(head[5:])
	whole := d.decode(head[lzmaHeader:], int(min(length, unpackedRead)))
	switch {
	case bytes.HasPrefix(head[lzmaHeader:], make([]byte, 5)):
		// Zeros unpack to zeros without end, but writers pack those as a repetition.
	case whole:
		sound = length == lzmaUnknown || length/lzmaRatio < uint64(p.Size)
	case d.bad:
		sound = p.Size > packedRead
	default:
		sound = length == lzmaUnknown && uint32(d.reps[0]) == lzmaMark
	}
	return d.out, sound
}

// unpackXZ is what the first block of an .xz file holds, as far as its start tells
// (The .xz File Format 1.2.1). A block must be LZMA2 without further filters.
func unpackXZ(head []byte) []byte {
	const streamHeader = 12
	if len(head) <= streamHeader {
		return nil
	}
	size := (int(head[streamHeader]) + 1) * 4
	if head[streamHeader] == 0 || len(head) < streamHeader+size {
		return nil
	}
	block := head[streamHeader : streamHeader+size]
	if crc32.ChecksumIEEE(block[:size-4]) != binary.LittleEndian.Uint32(block[size-4:]) {
		return nil
	}
	flags, fields := block[1], block[2:size-4]
	for _, present := range []bool{flags&0x40 != 0, flags&0x80 != 0} { // packed and unpacked size
		if !present {
			continue
		}
		_, n := binary.Uvarint(fields)
		if n <= 0 {
			return nil
		}
		fields = fields[n:]
	}
	const lzma2 = 0x21
	if flags&0x03 != 0 || len(fields) < 3 || fields[0] != lzma2 || fields[1] != 1 {
		return nil
	}
	return unpackLZMA2(head[streamHeader+size:])
}

// unpackLZMA2 is what the chunks hold (xz's lzma2_decoder.c).
func unpackLZMA2(chunks []byte) []byte {
	d := new(lzma)
	for len(chunks) > 5 && len(d.out) < unpackedRead {
		control := chunks[0]
		size := int(binary.BigEndian.Uint16(chunks[1:])) + 1
		if control < 0x80 {
			if control != 1 && control != 2 { // the end, or no chunk
				break
			}
			stored := chunks[3:min(3+size, len(chunks))]
			d.out = append(d.out, stored...)
			chunks = chunks[3+len(stored):]
			continue
		}
		size += int(control&0x1f) << 16
		packed := int(binary.BigEndian.Uint16(chunks[3:])) + 1
		chunks = chunks[5:]
		if control&0x40 != 0 { // new properties
			fresh, ok := newLZMA(chunks[0])
			if !ok {
				break
			}
			fresh.out = d.out
			d, chunks = fresh, chunks[1:]
		} else if control&0x20 != 0 && d.literals != nil {
			d.reset()
		}
		if d.literals == nil {
			break
		}
		packed = min(packed, len(chunks))
		if !d.decode(chunks[:packed], min(len(d.out)+size, unpackedRead)) {
			break
		}
		chunks = chunks[packed:]
	}
	return d.out[:min(len(d.out), unpackedRead)]
}

// An lzma unpacks the start of an LZMA stream (lzma-specification.txt of the LZMA
// SDK). What it has unpacked is its dictionary: it never needs more.
type lzma struct {
	lc, lp, pb uint

	out  []byte
	in   []byte
	code uint32
	rng  uint32
	bad  bool // the input is at its end

	state    int
	reps     [4]int // distances, 0 for the byte before
	literals []uint16
	match    [12 << 4]uint16
	rep      [12]uint16
	rep0     [12]uint16
	rep1     [12]uint16
	rep2     [12]uint16
	repLong  [12 << 4]uint16
	slots    [4][64]uint16
	special  [128]uint16
	align    [16]uint16
	lengths  [2]lzmaLength // of matches, and of repeated ones
}

type lzmaLength struct {
	choice [2]uint16
	low    [16][8]uint16
	mid    [16][8]uint16
	high   [256]uint16
}

// newLZMA is false for properties that liblzma refuses.
func newLZMA(properties byte) (*lzma, bool) {
	d := &lzma{lc: uint(properties % 9), lp: uint(properties / 9 % 5), pb: uint(properties / 45)}
	if d.pb > 4 || d.lc+d.lp > 4 {
		return nil, false
	}
	d.reset()
	return d, true
}

// reset sets every probability to one half.
func (d *lzma) reset() {
	out := d.out
	*d = lzma{lc: d.lc, lp: d.lp, pb: d.pb, out: out, literals: make([]uint16, 0x300<<(d.lc+d.lp))}
	half(d.literals)
	for _, probabilities := range [][]uint16{d.match[:], d.rep[:], d.rep0[:], d.rep1[:], d.rep2[:], d.repLong[:], d.special[:], d.align[:]} {
		half(probabilities)
	}
	for i := range d.slots {
		half(d.slots[i][:])
	}
	for i := range d.lengths {
		l := &d.lengths[i]
		half(l.choice[:])
		half(l.high[:])
		for j := range l.low {
			half(l.low[j][:])
			half(l.mid[j][:])
		}
	}
}

func half(probabilities []uint16) {
	for i := range probabilities {
		probabilities[i] = 1 << 10
	}
}

// decode unpacks in until out has limit bytes. It is false if in does not go on
// for so long, or is not LZMA.
func (d *lzma) decode(in []byte, limit int) bool {
	if len(in) < 5 || in[0] != 0 {
		return false
	}
	d.code, d.rng, d.in, d.bad = binary.BigEndian.Uint32(in[1:]), 1<<32-1, in[5:], false
	for len(d.out) < limit {
		if !d.symbol(limit) || d.bad {
			return false
		}
	}
	return true
}

// symbol unpacks a literal or a match.
func (d *lzma) symbol(limit int) bool {
	place := len(d.out) & (1<<d.pb - 1)
	if d.bit(&d.match[d.state<<4+place]) == 0 {
		return d.literal()
	}
	if d.bit(&d.rep[d.state]) == 0 {
		length := d.length(&d.lengths[0], place)
		distance := d.distance(length)
		d.reps = [4]int{distance, d.reps[0], d.reps[1], d.reps[2]}
		d.state = pick(d.state < 7, 7, 10)
		return d.copy(length+2, limit)
	}
	switch {
	case d.bit(&d.rep0[d.state]) == 0:
		if d.bit(&d.repLong[d.state<<4+place]) == 0 {
			d.state = pick(d.state < 7, 9, 11)
			return d.copy(1, limit)
		}
	case d.bit(&d.rep1[d.state]) == 0:
		d.reps = [4]int{d.reps[1], d.reps[0], d.reps[2], d.reps[3]}
	case d.bit(&d.rep2[d.state]) == 0:
		d.reps = [4]int{d.reps[2], d.reps[0], d.reps[1], d.reps[3]}
	default:
		d.reps = [4]int{d.reps[3], d.reps[0], d.reps[1], d.reps[2]}
	}
	length := d.length(&d.lengths[1], place)
	d.state = pick(d.state < 7, 8, 11)
	return d.copy(length+2, limit)
}

func pick(first bool, a, b int) int {
	if first {
		return a
	}
	return b
}

// lzmaMark is the distance that ends a stream.
const lzmaMark = 1<<32 - 1

// copy repeats length bytes from the last distance. The mark that ends a stream
// is a distance before the start, and ends it here as well.
func (d *lzma) copy(length, limit int) bool {
	from := len(d.out) - d.reps[0] - 1
	if from < 0 || d.bad {
		return false
	}
	for i := range min(length, limit-len(d.out)) {
		d.out = append(d.out, d.out[from+i])
	}
	return true
}

func (d *lzma) literal() bool {
	var before byte
	if len(d.out) > 0 {
		before = d.out[len(d.out)-1]
	}
	row := (len(d.out)&(1<<d.lp-1))<<d.lc + int(before>>(8-d.lc))
	probabilities := d.literals[0x300*row:][:0x300]
	symbol := 1
	if d.state >= 7 {
		from := len(d.out) - d.reps[0] - 1
		if from < 0 {
			return false
		}
		for match := int(d.out[from]); symbol < 0x100; match <<= 1 {
			matched := match >> 7 & 1
			bit := d.bit(&probabilities[(1+matched)<<8+symbol])
			symbol = symbol<<1 | bit
			if bit != matched {
				break
			}
		}
	}
	for symbol < 0x100 {
		symbol = symbol<<1 | d.bit(&probabilities[symbol])
	}
	if d.bad {
		return false
	}
	d.out = append(d.out, byte(symbol))
	switch {
	case d.state < 4:
		d.state = 0
	case d.state < 10:
		d.state -= 3
	default:
		d.state -= 6
	}
	return true
}

func (d *lzma) length(l *lzmaLength, place int) int {
	if d.bit(&l.choice[0]) == 0 {
		return d.tree(l.low[place][:])
	}
	if d.bit(&l.choice[1]) == 0 {
		return 8 + d.tree(l.mid[place][:])
	}
	return 16 + d.tree(l.high[:])
}

func (d *lzma) distance(length int) int {
	slot := d.tree(d.slots[min(length, 3)][:])
	if slot < 4 {
		return slot
	}
	low := slot>>1 - 1
	distance := (2 | slot&1) << low
	if slot < 14 {
		return distance + d.reverse(d.special[distance-slot:], low)
	}
	for i := low - 1; i >= 4; i-- {
		distance |= d.direct() << i
	}
	return distance + d.reverse(d.align[:], 4)
}

// tree reads as many bits as tell its leaves apart, the highest first.
func (d *lzma) tree(probabilities []uint16) int {
	leaf := 1
	for leaf < len(probabilities) {
		leaf = leaf<<1 | d.bit(&probabilities[leaf])
	}
	return leaf - len(probabilities)
}

// reverse reads n bits, the lowest first.
func (d *lzma) reverse(probabilities []uint16, n int) int {
	value, node := 0, 1
	for i := range n {
		bit := d.bit(&probabilities[node])
		node = node<<1 | bit
		value |= bit << i
	}
	return value
}

func (d *lzma) bit(probability *uint16) int {
	p := uint32(*probability)
	bound := d.rng >> 11 * p
	var bit int
	if d.code < bound {
		d.rng = bound
		*probability += uint16((1<<11 - p) >> 5)
	} else {
		d.rng -= bound
		d.code -= bound
		*probability -= uint16(p >> 5)
		bit = 1
	}
	d.normalize()
	return bit
}

func (d *lzma) direct() int {
	d.rng >>= 1
	bit := 0
	if d.code >= d.rng {
		d.code -= d.rng
		bit = 1
	}
	d.normalize()
	return bit
}

// normalize reads a byte when the range has become short of one.
func (d *lzma) normalize() {
	if d.rng >= 1<<24 {
		return
	}
	d.rng <<= 8
	d.code <<= 8
	if len(d.in) == 0 {
		d.bad = true
		return
	}
	d.code |= uint32(d.in[0])
	d.in = d.in[1:]
}
