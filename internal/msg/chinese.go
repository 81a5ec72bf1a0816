package msg

// chinese maps the English format of a sentence to its Simplified Chinese format. Arguments may be reordered with
// explicit indexes (%[2]s).
var chinese = map[string]string{}
