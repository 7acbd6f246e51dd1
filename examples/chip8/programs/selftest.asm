; Selftest: tries every instruction, and shows OK, or NO and the number of the first test that
; failed. After OK it waits for keys and shows each (EX9E, EXA1 and FX0A with a key).

number = VE             ; of the test

        ; 1: 6XNN, 3XNN, 4XNN, 1NNN
        LD number, 1
        LD V0, 0x5a
        SE V0, 0x5a
        JP failed
        SNE V0, 0x5b
        JP failed
        SE V0, 0x5b
        SNE V0, 0x5a
        JP t2
        JP failed

t2:     ; 2: 8XY0, 5XY0, 9XY0
        LD number, 2
        LD V1, V0
        SE V1, V0
        JP failed
        LD V2, 7
        SNE V2, V0
        JP failed
        SE V2, V0
        SNE V1, V0
        JP t3
        JP failed

t3:     ; 3: 7XNN wraps, and leaves VF
        LD number, 3
        LD VF, 9
        LD V0, 0xff
        ADD V0, 2
        SE V0, 1
        JP failed
        SE VF, 9
        JP failed

        ; 4: 8XY1
        LD number, 4
        LD V0, 0x0f
        LD V1, 0x3c
        OR V0, V1
        SE V0, 0x3f
        JP failed
        SE VF, 0
        JP failed

        ; 5: 8XY2
        LD number, 5
        LD V0, 0x0f
        AND V0, V1
        SE V0, 0x0c
        JP failed

        ; 6: 8XY3
        LD number, 6
        LD V0, 0x0f
        XOR V0, V1
        SE V0, 0x33
        JP failed

        ; 7: 8XY4 with and without a carry
        LD number, 7
        LD V0, 0xf0
        LD V1, 0x20
        ADD V0, V1
        SE VF, 1
        JP failed
        SE V0, 0x10
        JP failed
        ADD V0, V1
        SE VF, 0
        JP failed
        SE V0, 0x30
        JP failed

        ; 8: 8XY5 with and without a borrow
        LD number, 8
        SUB V0, V1
        SE VF, 1
        JP failed
        SE V0, 0x10
        JP failed
        SUB V0, V1
        SE VF, 0
        JP failed
        SE V0, 0xf0
        JP failed

        ; 9: 8XY7
        LD number, 9
        LD V0, 5
        LD V1, 7
        SUBN V0, V1
        SE VF, 1
        JP failed
        SE V0, 2
        JP failed
        LD V0, 9
        SUBN V0, V1
        SE VF, 0
        JP failed
        SE V0, 0xfe
        JP failed

        ; 10: 8XY6 shifts VY
        LD number, 10
        LD V1, 5
        SHR V0, V1
        SE VF, 1
        JP failed
        SE V0, 2
        JP failed

        ; 11: 8XYE shifts VY
        LD number, 11
        LD V1, 0x81
        SHL V0, V1
        SE VF, 1
        JP failed
        SE V0, 2
        JP failed

        ; 12: where VF is the result, the flag stays
        LD number, 12
        LD VF, 0xff
        LD V0, 0xff
        ADD VF, V0
        SE VF, 1
        JP failed

        ; 13: 2NNN, 00EE
        LD number, 13
        LD V0, 0
        CALL outer
        SE V0, 3
        JP failed

        ; 14: BNNN
        LD number, 14
        LD V0, 4
        JP V0, table
table:  JP failed
        JP failed
        JP t15
        JP failed

t15:    ; 15: ANNN, FX55 and FX65 move I
        LD number, 15
        LD I, scratch
        LD V0, 11
        LD V1, 22
        LD V2, 33
        LD [I], V2
        LD V0, 0
        LD [I], V0      ; behind the three
        LD I, scratch
        LD V0, 0
        LD V1, 0
        LD V2, 0
        LD V1, [I]
        SE V0, 11
        JP failed
        SE V1, 22
        JP failed
        SE V2, 0
        JP failed
        LD V0, [I]
        SE V0, 33
        JP failed

        ; 16: FX1E
        LD number, 16
        LD I, scratch
        LD V0, 2
        ADD I, V0
        LD V0, [I]
        SE V0, 33
        JP failed

        ; 17: FX33
        LD number, 17
        LD V0, 207
        LD I, scratch
        LD B, V0
        LD V2, [I]
        SE V0, 2
        JP failed
        SE V1, 0
        JP failed
        SE V2, 7
        JP failed

        ; 18: FX29: the 1 has 0x60 in the middle of the standard font's second row
        LD number, 18
        LD V0, 1
        LD F, V0
        LD V1, [I]
        SE V0, 0x20
        JP failed
        SE V1, 0x60
        JP failed

        ; 19: CXNN stays within its mask
        LD number, 19
        RND V0, 0
        SE V0, 0
        JP failed
        RND V0, 0x0f
        LD V1, 0xf0
        AND V0, V1
        SE V0, 0
        JP failed

        ; 20: DXYN, 00E0: VF tells of a pixel that was turned off
        LD number, 20
        CLS
        LD V0, 10
        LD V1, 10
        LD I, dot
        DRW V0, V1, 1
        SE VF, 0
        JP failed
        DRW V0, V1, 1
        SE VF, 1
        JP failed
        DRW V0, V1, 1
        CLS
        DRW V0, V1, 1
        SE VF, 0
        JP failed

        ; 21: DXYN wraps its beginning, and clips at the edges
        LD number, 21
        LD V0, 74
        LD V1, 42
        DRW V0, V1, 1   ; at 10, 10
        SE VF, 1
        JP failed
        LD V0, 60
        LD V1, 31
        LD I, bar
        DRW V0, V1, 2
        LD V0, 0
        DRW V0, V1, 1   ; nothing has come in on the left
        SE VF, 0
        JP failed
        LD V0, 60
        LD V1, 0
        DRW V0, V1, 1   ; nor from above
        SE VF, 0
        JP failed

        ; 22: FX15, FX07: the delay timer runs down
        LD number, 22
        LD V0, 9
        LD DT, V0
        LD V1, DT
        SNE V1, 0
        JP failed
again:  LD V1, DT
        SE V1, 0
        JP again

        ; 23: FX18, and EX9E, EXA1 while no key is down
        LD number, 23
        LD V0, 2
        LD ST, V0
        LD V0, 3
        SKP V0
        JP t23
        JP failed
t23:    SKNP V0
        JP failed

        CLS
        LD V0, 24
        LD V1, 10
        LD I, letter_o
        DRW V0, V1, 5
        ADD V0, 5
        LD I, letter_k
        DRW V0, V1, 5

key:    LD V3, K        ; 24: FX0A, EX9E and EXA1 with a key that is down
        LD number, 24
        SKP V3
        JP failed
        SKNP V3
        JP t24
        JP failed
t24:    LD V0, 29
        LD V1, 20
        SNE V4, 0
        JP first
        LD F, V5
        DRW V0, V1, 5   ; takes the one before away
first:  LD F, V3
        DRW V0, V1, 5
        LD V4, 1
        LD V5, V3
        JP key

outer:  ADD V0, 1
        CALL inner
        ADD V0, 1
        RET
inner:  ADD V0, 1
        RET

failed: CLS
        LD V0, 16
        LD V1, 10
        LD I, letter_n
        DRW V0, V1, 5
        ADD V0, 5
        LD I, letter_o
        DRW V0, V1, 5
        LD V3, V0
        LD I, scratch
        LD B, number
        LD V2, [I]
        LD V4, 10
        ADD V3, 8
        LD F, V1
        DRW V3, V4, 5
        ADD V3, 5
        LD F, V2
        DRW V3, V4, 5
end:    JP end

dot:    DB #.......
bar:    DB ########, ########
letter_o:
        DB .##....., #..#...., #..#...., #..#...., .##.....
letter_k:
        DB #..#...., #.#....., ##......, #.#....., #..#....
letter_n:
        DB #..#...., ##.#...., #.##...., #..#...., #..#....
scratch: DS 16
