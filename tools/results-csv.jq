# results-csv.jq - one row for each exercise

["lab", "machine", "exercise", "kind", "state", "points", "max", "alone", "together"],
(.lab as $lab | .machine as $machine | .exercises[]
 | [$lab, $machine, .id, .kind, .state, .points, .max, .alone, .together]) | @csv
