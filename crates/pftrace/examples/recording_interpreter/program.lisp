; Calls itself, twice.
(define (fib n)
  (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))

(print (fib 12))

; Functions are values.
(define (square x) (* x x))
(define (map f values)
  (if (empty? values) (list)
      (join (f (first values)) (map f (rest values)))))
(define (sum values)
  (if (empty? values) 0 (+ (first values) (sum (rest values)))))
(define numbers (list 1 2 3 4 5 6))
(define squares (map square numbers))

(print squares)
(print (sum squares))

; They call each other.
(define (even? n) (if (= n 0) 1 (odd? (- n 1))))
(define (odd? n) (if (= n 0) 0 (even? (- n 1))))

(print (even? 30))

; There is no such thing of no numbers.
(define (length values) (if (empty? values) 0 (+ 1 (length (rest values)))))
(define (average values) (/ (sum values) (length values)))
(define (report values) (print (average values)))

(report numbers)
(report (list))
