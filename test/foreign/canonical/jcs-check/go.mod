module countersign/jcs-check

go 1.24.0

require github.com/gowebpki/jcs v1.0.1
