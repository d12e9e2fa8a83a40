; A program for the machine of machine.rs: primes, Fibonacci numbers, Hanoi, quicksort and Ackermann.
;
; The fixed ROM has what everybody calls, bank 0 the arithmetic, bank 1 the recursions.
; Numbers are printed with the decimal mode, and text stands behind the call that prints it.

CONSOLE    = $7f00
BANK       = $7f01
EXIT       = $7f02
TIMER_LOW  = $7f03
TIMER_HIGH = $7f04
TIMER_ACK  = $7f05
NMI_ENABLE = $7f06
PRIMES     = $7f08              ; gauge 0: primes found
DEPTH      = $7f09              ; gauge 1: disks being moved
FRAME      = $7f0a              ; gauge 2: frames seen

TICK       = 5000               ; cycles between two IRQs
FRAMES     = 20                 ; the program ends with this frame
LIMIT      = 1000               ; primes up to here
FIBONACCI  = 40                 ; how many of them
DISKS      = 5
VALUES     = 64                 ; numbers to sort

; What BRK prints, by the byte behind it.
NEWLINE    = 0
SPACE      = 1

; ---- RAM -----------------------------------------------------------------------------------------------------------

        .org $00
ticks:  .res 2                  ; counted by the IRQ
frames: .res 1                  ; counted by the NMI
trap:   .res 2                  ; the byte behind a BRK
text:   .res 2                  ; the text being printed
number: .res 2                  ; the number being printed, and used up
bcd:    .res 4                  ; its decimal digits, two a byte, the lowest first
shown:  .res 1                  ; whether a digit was printed
column: .res 1                  ; numbers printed on this line
ptr:    .res 2
prime:  .res 2
count:  .res 2
fib:    .res 4                  ; two neighbours, in decimal
fib2:   .res 4
low:    .res 1                  ; what quicksort sorts
high:   .res 1
pivot:  .res 1
split:  .res 1
disks:  .res 1                  ; Hanoi
from:   .res 1
to:     .res 1
via:    .res 1
m:      .res 1                  ; Ackermann
n:      .res 1

        .org $0200
flags:  .res LIMIT+1            ; not zero: the number is composite
flags_end:

        .org $0700
cell:   .res 1                  ; unused: the values are cell+1 to cell+VALUES
values: .res VALUES

; ---- The fixed ROM -------------------------------------------------------------------------------------------------

        .bank fixed
        .org $c000

        .proc reset
        ldx #$ff
        txs
        cld
        lda #<TICK
        sta TIMER_LOW
        lda #>TICK
        sta TIMER_HIGH
        lda #$80
        sta NMI_ENABLE
        cli
        jsr main
        lda #0
        sta EXIT
stop:   jmp stop
        .endproc

        .proc main
        jsr print
        .byte "Primes up to ", 0
        lda #<LIMIT
        ldx #>LIMIT
        jsr print_number
        jsr print
        .byte ":\n", 0
        ldx #FAR_SIEVE
        jsr far_call
        ldx #FAR_LIST_PRIMES
        jsr far_call

        jsr print
        .byte "\nFibonacci numbers:\n", 0
        ldx #FAR_FIBONACCI
        jsr far_call

        jsr print
        .byte "\nTowers of Hanoi:\n", 0
        ldx #FAR_PLAY_HANOI
        jsr far_call

        jsr print
        .byte "\nSorted:\n", 0
        ldx #FAR_SORT_VALUES
        jsr far_call

        jsr print
        .byte "\nAckermann(3, 3) = ", 0
        ldx #FAR_ACKERMANN_3_3
        jsr far_call
        lda n
        ldx #0
        jsr print_number
        brk
        .byte NEWLINE

        jsr wait_for_end
        jsr print
        .byte "Frames: ", 0
        lda frames
        ldx #0
        jsr print_number
        jsr print
        .byte ", ticks: ", 0
        lda ticks
        ldx ticks+1
        jsr print_number
        brk
        .byte NEWLINE
        rts
        .endproc

; Waits for the last frame, then stops the interrupts.
        .proc wait_for_end
        lda #FRAMES
wait:   cmp frames
        bne wait
        lda #0
        sta NMI_ENABLE
        sta TIMER_LOW
        sta TIMER_HIGH
        rts
        .endproc

; Calls the routine X of the table below, in its bank, and comes back to the bank of the caller.
        .proc far_call
        lda BANK
        pha
        lda far_bank,x
        sta BANK
        jsr far_jump
        pla
        sta BANK
        rts
        .endproc

; RTS takes the pushed address for the one it came from.
        .proc far_jump
        lda far_high,x
        pha
        lda far_low,x
        pha
        rts
        .endproc

FAR_SIEVE         = 0
FAR_LIST_PRIMES   = 1
FAR_FIBONACCI     = 2
FAR_PLAY_HANOI    = 3
FAR_SORT_VALUES   = 4
FAR_ACKERMANN_3_3 = 5
FAR_CHECKSUM      = 6

far_bank: .byte ^sieve, ^list_primes, ^fibonacci, ^play_hanoi, ^sort_values, ^ackermann_3_3, ^checksum
far_high: .byte >sieve-1, >list_primes-1, >fibonacci-1, >play_hanoi-1, >sort_values-1, >ackermann_3_3-1, >checksum-1
far_low:  .byte <sieve-1, <list_primes-1, <fibonacci-1, <play_hanoi-1, <sort_values-1, <ackermann_3_3-1, <checksum-1

; Prints the text behind the call, up to a zero, and returns behind it.
        .proc print
        pla
        sta text
        pla
        sta text+1
        ldy #0
next:   inc text                ; it points to the last byte of the JSR at first
        bne show
        inc text+1
show:   lda (text),y
        beq done
        sta CONSOLE
        bne next
done:   lda text+1
        pha
        lda text
        pha
        rts
        .endproc

; Prints A + 256 X. Keeps nothing.
        .proc print_number
        sta number
        stx number+1
        jsr to_decimal
        ldx #3
        jmp print_decimal
        .endproc

; Turns `number` into three bytes of `bcd`: doubles the digits and adds the next bit, sixteen times.
        .proc to_decimal
        lda #0
        sta bcd
        sta bcd+1
        sta bcd+2
        ldy #16
        sed
next:   asl number
        rol number+1
        lda bcd                 ; the carry is the bit
        adc bcd
        sta bcd
        lda bcd+1
        adc bcd+1
        sta bcd+1
        lda bcd+2
        adc bcd+2
        sta bcd+2
        dey
        bne next
        cld
        rts
        .endproc

; Prints X bytes of `bcd` without zeros in front.
        .proc print_decimal
        lda #0
        sta shown
next:   lda bcd-1,x
        lsr a
        lsr a
        lsr a
        lsr a
        jsr print_digit
        dex
        bne second
        inc shown               ; the last digit is printed even if it is a zero
second: lda bcd,x
        and #$0f
        jsr print_digit
        txa
        bne next
        rts
        .endproc

        .proc print_digit
        tay
        bne digit
        ldy shown
        beq skip
digit:  inc shown
        ora #'0'
        jmp print_char
skip:   rts
        .endproc

        .proc print_char
        sta CONSOLE
        rts
        .endproc

; Prints A + 256 X and what separates it from the next: sixteen numbers a line.
        .proc print_column
        jsr print_number
        inc column
        lda column
        and #$0f
        beq full
        brk
        .byte SPACE
        rts
full:   brk
        .byte NEWLINE
        rts
        .endproc

; Ends a line of columns that is not full.
        .proc end_columns
        lda column
        and #$0f
        beq done
        brk
        .byte NEWLINE
done:   lda #0
        sta column
        rts
        .endproc

        .proc nmi
        pha
        inc frames
        lda frames
        sta FRAME
        pla
        rti
        .endproc

; Interrupts and BRK come to the same place; the pushed status tells which it is.
        .proc irq
        pha
        txa
        pha
        tsx
        lda $0103,x
        and #$10
        bne trapped
        sta TIMER_ACK
        inc ticks
        bne done
        inc ticks+1
done:   pla
        tax
        pla
        rti
trapped:
        jmp service
        .endproc

; BRK pushes the address behind the byte that follows it.
        .proc service
        cld
        tya
        pha
        sec
        lda $0104,x
        sbc #1
        sta trap
        lda $0105,x
        sbc #0
        sta trap+1
        ldy #0
        lda (trap),y
        tay
        lda characters,y
        jsr print_char
        pla
        tay
        pla
        tax
        pla
        rti
        .endproc

characters:
        .byte $0a, ' '

        .org $fffa
        .word nmi, reset, irq

; ---- Bank 0: arithmetic --------------------------------------------------------------------------------------------

        .bank 0
        .org $8000

; Eratosthenes' sieve. A number below 32 strikes all that is to be struck below 1024.
        .proc sieve
        jsr clear_flags
        lda #2
        sta prime
next:   ldy prime
        lda flags,y
        bne composite
        jsr strike
composite:
        inc prime
        lda prime
        cmp #32
        bcc next
        rts
        .endproc

        .proc clear_flags
        lda #<flags
        sta ptr
        lda #>flags
        sta ptr+1
        ldx #4
        ldy #0
        tya
next:   sta (ptr),y
        iny
        bne next
        inc ptr+1
        dex
        bne next
        rts
        .endproc

; Strikes the multiples of `prime` from its double on.
        .proc strike
        clc
        lda #<flags
        adc prime
        sta ptr
        lda #>flags
        adc #0
        sta ptr+1
        ldy #0
next:   clc
        lda ptr
        adc prime
        sta ptr
        bcc compare
        inc ptr+1
compare:
        cmp #<flags_end
        lda ptr+1
        sbc #>flags_end
        bcs done
        lda #1
        sta (ptr),y
        bne next
done:   rts
        .endproc

        .proc list_primes
        lda #0
        sta count
        sta column
        sta prime+1
        lda #2
        sta prime
next:   clc                     ; the flag of `prime`
        lda prime
        adc #<flags
        sta ptr
        lda prime+1
        adc #>flags
        sta ptr+1
        ldy #0
        lda (ptr),y
        bne composite
        inc count
        lda count
        sta PRIMES
        lda prime
        ldx prime+1
        jsr print_column
composite:
        inc prime
        bne compare
        inc prime+1
compare:
        lda #<LIMIT
        cmp prime
        lda #>LIMIT
        sbc prime+1
        bcs next
        jsr end_columns
        lda count
        ldx #0
        jsr print_number
        jsr print
        .byte " primes\n", 0
        rts
        .endproc

; Adds in decimal, eight digits at a time.
        .proc fibonacci
        lda #0
        ldx #3
clear:  sta fib,x
        sta fib2,x
        dex
        bpl clear
        inc fib2
        ldy #FIBONACCI
next:   tya
        pha
        jsr print_fib
        jsr next_fib
        pla
        tay
        dey
        bne next
        jmp end_columns
        .endproc

        .proc print_fib
        ldx #3
copy:   lda fib,x
        sta bcd,x
        dex
        bpl copy
        ldx #4
        jsr print_decimal
        inc column
        lda column
        and #$07
        beq full
        brk
        .byte SPACE
        rts
full:   sta column
        brk
        .byte NEWLINE
        rts
        .endproc

; (fib, fib2) = (fib2, fib + fib2)
        .proc next_fib
        ldx #0
        ldy #4
        sed
        clc
next:   lda fib,x
        pha
        lda fib2,x
        sta fib,x
        pla
        adc fib2,x
        sta fib2,x
        inx
        dey
        bne next
        cld
        rts
        .endproc

; The sum of the values in `count`.
        .proc checksum
        ldx #VALUES
        lda #0
        sta count
        sta count+1
next:   clc
        lda cell,x
        adc count
        sta count
        bcc same
        inc count+1
same:   dex
        bne next
        rts
        .endproc

; ---- Bank 1: recursions --------------------------------------------------------------------------------------------

        .bank 1
        .org $8000

        .proc play_hanoi
        lda #0
        sta column
        lda #DISKS
        sta disks
        lda #'A'
        sta from
        lda #'B'
        sta via
        lda #'C'
        sta to
        jsr hanoi
        jmp end_columns
        .endproc

; Moves the upper `disks` from `from` to `to`. Keeps all its arguments.
        .proc hanoi
        lda disks
        sta DEPTH
        beq done
        dec disks
        jsr swap_to
        jsr hanoi
        jsr swap_to
        jsr print_move
        jsr swap_from
        jsr hanoi
        jsr swap_from
        inc disks
done:   rts
        .endproc

        .proc swap_to
        ldx to
        ldy via
        stx via
        sty to
        rts
        .endproc

        .proc swap_from
        ldx from
        ldy via
        stx via
        sty from
        rts
        .endproc

        .proc print_move
        lda from
        jsr print_char
        lda #'-'
        jsr print_char
        lda to
        jsr print_char
        inc column
        lda column
        and #$0f
        beq full
        brk
        .byte SPACE
        rts
full:   brk
        .byte NEWLINE
        rts
        .endproc

        .proc sort_values
        jsr make_values
        lda #1
        sta low
        lda #VALUES
        sta high
        jsr quicksort
        jsr print_values
        ldx #FAR_CHECKSUM
        jsr far_call
        jsr print
        .byte "Sum: ", 0
        lda count
        ldx count+1
        jsr print_number
        brk
        .byte NEWLINE
        rts
        .endproc

; Random numbers of a shift register with feedback.
        .proc make_values
        lda #$5a
        ldx #VALUES
next:   lsr a
        bcc store
        eor #$b8
store:  sta cell,x
        dex
        bne next
        rts
        .endproc

; Sorts cell+low to cell+high.
        .proc quicksort
        lda low
        cmp high
        bcs done
        jsr partition
        lda high
        pha
        lda split
        pha
        sec
        sbc #1
        sta high
        jsr quicksort
        pla
        clc
        adc #1
        sta low
        pla
        sta high
        jmp quicksort
done:   rts
        .endproc

; Moves what is less than the last value to the front, and that value behind it, to cell+split.
        .proc partition
        ldx high
        lda cell,x
        sta pivot
        ldx low
        ldy low
next:   cpx high
        beq done
        lda cell,x
        cmp pivot
        bcs stay
        pha
        lda cell,y
        sta cell,x
        pla
        sta cell,y
        iny
stay:   inx
        bne next
done:   lda cell,y
        sta cell,x
        lda pivot
        sta cell,y
        sty split
        rts
        .endproc

        .proc print_values
        lda #0
        sta column
        ldx #1
next:   txa
        pha
        lda cell,x
        ldx #0
        jsr print_column
        pla
        tax
        inx
        cpx #VALUES+1
        bne next
        jmp end_columns
        .endproc

        .proc ackermann_3_3
        lda #3
        sta m
        sta n
        .endproc                ; and on into ackermann

; n = ackermann(m, n). Keeps m.
        .proc ackermann
        lda m
        bne recurse
        inc n
        rts
recurse:
        lda n
        bne twice
        inc n                   ; ackermann(m - 1, 1)
        dec m
        jsr ackermann
        inc m
        rts
twice:  dec n                   ; ackermann(m - 1, ackermann(m, n - 1))
        jsr ackermann
        dec m
        jsr ackermann
        inc m
        rts
        .endproc
