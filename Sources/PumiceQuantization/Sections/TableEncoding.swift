import PumiceTensors

extension SectionEncoder {
  func encode(_ values: [Float], as normal: NormalFloatFormat) throws(QuantizationError) -> [[UInt8]] {
    switch normal.scale {
    case .number(let number): return try encode(values, as: normal, number)
    case .quantized(let bits, let block, let second):
      // Scales are counted through the tensor.
      let search = normalSearch(normal)
      let storage = DoubleQuantization(
        bits: normal.bits, scaleBits: bits, second: second, block: normal.group, superBlock: block)
      let ideal = try byRows(values.count / columns) { (rows) throws(QuantizationError) in
        [idealScales(values, rows, normal, search).flatMap { NumberFormat.f32.bytes($0) }]
      }[0]
      let scales = stride(from: 0, to: ideal.count, by: 4).map { NumberFormat.f32.value(ideal[$0..<$0 + 4]) }
      let encoded = try storage.encode(values, table: normal.table, scales: scales)
      let padding = [UInt8](repeating: 0, count: (4 - encoded.scales.count % 4) % 4)
      return [encoded.codes, encoded.scales + padding, encoded.seconds, NumberFormat.f32.bytes(encoded.least)]
    }
  }

  private func normalSearch(_ normal: NormalFloatFormat) -> ScaleSearch<TableCodes> {
    // The distance of neighbours at the ends, or somewhat less.
    let unit: Float = normal.bits == 8 ? 0.025 : 0.2
    return ScaleSearch(TableCodes(normal.table), length: normal.group, unit: unit, isWeighted: importance != nil)
  }

  private func idealScales(
    _ values: [Float], _ rows: Range<Int>, _ normal: NormalFloatFormat, _ search: ScaleSearch<TableCodes>
  ) -> [Float] {
    rows.flatMap { row in
      stride(from: 0, to: columns, by: normal.group).map { start in
        withSamples(values, row, start, normal.group) { search.bestScale($0) }
      }
    }
  }

  private func encode(
    _ values: [Float], as normal: NormalFloatFormat, _ number: NumberFormat
  ) throws(QuantizationError) -> [[UInt8]] {
    let search = normalSearch(normal)
    return try byRows(values.count / columns) { (rows) throws(QuantizationError) in
      var codes = WordString(bits: normal.bits), scales: [UInt8] = []
      var result = [UInt8](repeating: 0, count: normal.group)
      for row in rows {
        for start in stride(from: 0, to: columns, by: normal.group) {
          let scale = withSamples(values, row, start, normal.group) { samples in
            let scale = number.nearest(search.bestScale(samples))
            guard scale.isFinite else { return scale }
            result.withUnsafeMutableBufferPointer {
              search.codes.encode(samples, scale: scale, into: $0.baseAddress!)
            }
            return scale
          }
          guard scale.isFinite else {
            throw QuantizationError(
              .tooLarge, "the elements of row \(row) from column \(start) are beyond \(number.rawValue)")
          }
          codes.append(result)
          scales += number.bytes(scale)
        }
      }
      return [codes.bytes, scales]
    }
  }

  func encode(_ values: [Float], as palette: PaletteFormat) throws(QuantizationError) -> [[UInt8]] {
    if palette.vector == 2 { return try encodePairs(values, as: palette) }
    let rows = values.count / columns, perTable = palette.rowsPerTable ?? rows
    var tables: [TableCodes] = [], entries: [UInt8] = []
    for first in stride(from: 0, to: rows, by: perTable) {
      let part = Array(values[first * columns..<min(first + perTable, rows) * columns])
      let weights = importance.map { importance in part.indices.map { importance[$0 % columns] } }
      let centers = ScalarClusters(part, weights: weights, count: 1 << palette.bits, limit: 1 << 16).centers
      // Neighbours may become one number of the entries' format.
      var table: [Float] = []
      for center in centers.map(palette.entry.nearest) where center != table.last { table.append(center) }
      guard table.allSatisfy(\.isFinite) else {
        throw QuantizationError(.tooLarge, "the elements from row \(first) on are beyond \(palette.entry.rawValue)")
      }
      let last = table[table.count - 1]
      for index in 0..<1 << palette.bits {
        entries += palette.entry.bytes(index < table.count ? table[index] : last)
      }
      // A codebook has at least two values; the second is then never the nearest.
      tables.append(TableCodes(table.count > 1 ? table : [last, .greatestFiniteMagnitude]))
    }
    let codebooks = tables
    let codes = try byRows(rows) { (rows) throws(QuantizationError) in
      var codes = WordString(bits: palette.bits)
      var result = [UInt8](repeating: 0, count: columns)
      for row in rows {
        withSamples(values, row, 0, columns) { samples in
          result.withUnsafeMutableBufferPointer {
            codebooks[row / perTable].encode(samples, scale: 1, into: $0.baseAddress!)
          }
        }
        codes.append(result)
      }
      return [codes.bytes]
    }
    return codes + [entries]
  }

  func encode(_ values: [Float], as grained: DualGrainedFormat) throws(QuantizationError) -> [[UInt8]] {
    let method = DualGrained(group: grained.group), inputs = DualGrained.Inputs(importance: importance)
    return try byRows(values.count / columns) { (rows) throws(QuantizationError) in
      var codes = WordString(bits: 4), ratios: [UInt8] = [], zeros: [UInt8] = [], scales: [UInt8] = []
      for row in rows {
        let encoded = try method.encode(Array(values[row * columns..<(row + 1) * columns]), inputs: inputs)
        codes.append(encoded.codes)
        ratios += encoded.ratios.map { UInt8($0) }
        zeros += encoded.zeros.map { UInt8($0) }
        scales += NumberFormat.f16.bytes(encoded.scale)
      }
      return [codes.bytes, ratios, zeros, scales]
    }
  }

  private func encodePairs(_ values: [Float], as palette: PaletteFormat) throws(QuantizationError) -> [[UInt8]] {
    let rows = values.count / columns, perTable = palette.rowsPerTable ?? rows, width = columns / 2
    let weights = (0..<width).map { pair in
      importance.map { SIMD2($0[2 * pair], $0[2 * pair + 1]) } ?? SIMD2<Float>(1, 1)
    }
    @Sendable func pair(_ row: Int, _ column: Int) -> SIMD2<Float> {
      let index = row * columns + 2 * column
      return SIMD2(values[index], values[index + 1])
    }
    var tables: [[SIMD2<Float>]] = [], entries: [UInt8] = []
    for first in stride(from: 0, to: rows, by: perTable) {
      let part = first..<min(first + perTable, rows)
      let clusters = PairClusters(
        part.flatMap { row in (0..<width).map { pair(row, $0) } }, weights: part.flatMap { _ in weights },
        count: 1 << palette.bits)
      let table = clusters.centers.map { SIMD2(palette.entry.nearest($0.x), palette.entry.nearest($0.y)) }
      guard table.allSatisfy({ $0.x.isFinite && $0.y.isFinite }) else {
        throw QuantizationError(.tooLarge, "the elements from row \(first) on are beyond \(palette.entry.rawValue)")
      }
      for center in table { entries += palette.entry.bytes(center.x) + palette.entry.bytes(center.y) }
      tables.append(table)
    }
    let codebooks = tables
    let codes = try byRows(rows) { (rows) throws(QuantizationError) in
      var codes = WordString(bits: palette.bits)
      for row in rows {
        let table = codebooks[row / perTable]
        codes.append(
          (0..<width).map { UInt8(PairClusters.nearest(pair(row, $0), weights[$0], among: table).index) })
      }
      return [codes.bytes]
    }
    return codes + [entries]
  }
}
