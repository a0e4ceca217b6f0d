package convert

// What tests of the line need, which stand outside of the package.
var BuildLiar = buildLiar
