; Worm: eat, grow, and do not bite yourself nor the wall.
;
; Keys 5, 8, 7, 9 (on a keyboard: w s a d, or the arrows) turn it. Each bite is a point; each four
; points it becomes faster. Any key begins, and begins anew when it is over.
;
; Everything stands on a grid of blocks of two by two pixels. The worm is a ring of 128 places of
; two bytes: an index into it is a register that wraps by itself.

x = V3                  ; of the head
y = V4
dx = V5                 ; its direction
dy = V6
food_x = V7
food_y = V8
head = V9               ; places of the ring, times two
tail = VA
score = VB
pause = VC              ; frames between two steps
t = VD
u = VE

up = 5
down = 8
left = 7
right = 9

top = 6                 ; the walls
bottom = 30
side = 62
most = 120              ; points: the ring is full soon

start:  CLS
        CALL walls
        LD score, 0
        CALL show_score
        LD pause, 7
        LD head, 254
        LD tail, 0
        LD x, 20
        LD y, 18
        LD dx, 2
        LD dy, 0
        CALL grow       ; three blocks long
        CALL grow
        CALL grow
        CALL place_food
        LD t, K

step:   LD t, DT        ; sleeps until it is time
        SE t, 0
        JP step
        LD DT, pause
        CALL turn
        ADD x, dx
        ADD y, dy
        SE x, food_x
        JP move
        SE y, food_y
        JP move
        CALL eat
        SE score, most
        JP step
        JP over

move:   CALL shrink
        LD I, block
        DRW x, y, 2
        SE VF, 0        ; there was something: wall or worm
        JP over
        CALL remember
        JP step

; ---- The worm

; One step to the right, drawn, while it is made.
grow:   ADD x, dx
        LD I, block
        DRW x, y, 2
        ; and on:

; The head's place goes into the ring.
remember:
        ADD head, 2
        LD I, ring
        ADD I, head
        LD V0, x
        LD V1, y
        LD [I], V1
        RET

; The tail's block goes.
shrink: LD I, ring
        ADD I, tail
        LD V1, [I]
        ADD tail, 2
        LD I, block
        DRW V0, V1, 2
        RET

; A key turns it, but never back.
turn:   LD t, up
        LD u, down
        SE dy, 0
        JP sideways
        SKNP t
        LD dy, -2
        SKNP u
        LD dy, 2
        SE dy, 0
        LD dx, 0
        RET
sideways:
        LD t, left
        LD u, right
        SKNP t
        LD dx, -2
        SKNP u
        LD dx, 2
        SE dx, 0
        LD dy, 0
        RET

; ---- Food

; The food's block becomes the head's.
eat:    CALL remember
        LD t, 4
        LD ST, t
        CALL show_score
        ADD score, 1
        CALL show_score
        LD t, 3
        AND t, score
        SE t, 0
        JP place_food
        SE pause, 3     ; as fast as it gets
        ADD pause, -1
        ; and on:

; Where nothing is, and below the score.
place_food:
        RND food_x, 31
        ADD food_x, food_x
        RND food_y, 15
        ADD food_y, food_y
        LD t, food_y
        LD u, top
        SUB t, u
        SE VF, 1
        JP place_food
        LD I, block
        DRW food_x, food_y, 2
        SNE VF, 0
        RET
        DRW food_x, food_y, 2
        JP place_food

; ---- The screen

walls:  LD x, 0
        LD t, top
        LD u, bottom
        LD I, block
across: DRW x, t, 2
        DRW x, u, 2
        ADD x, 2
        SE x, 64
        JP across
        LD t, 0
        LD u, side
        LD y, top+2
along:  DRW t, y, 2
        DRW u, y, 2
        ADD y, 2
        SE y, bottom
        JP along
        RET

; Draws it, or takes it away where it stands.
show_score:
        LD I, digits
        LD B, score
        LD V2, [I]
        LD t, 26
        LD u, 0
        LD F, V0
        DRW t, u, 5
        ADD t, 5
        LD F, V1
        DRW t, u, 5
        ADD t, 5
        LD F, V2
        DRW t, u, 5
        RET

over:   LD t, 40
        LD ST, t
        LD I, letters
        LD x, 23
        LD y, 16
next:   DRW x, y, 5
        LD t, 5
        ADD I, t
        ADD x, t
        SE x, 43
        JP next
        LD t, 45        ; so that a late turn does not begin anew
        LD DT, t
rest:   LD t, DT
        SE t, 0
        JP rest
        LD t, K
        JP start

block:  DB ##......, ##......
letters:
        DB .##....., #..#...., #..#...., #..#...., .##.....     ; O
        DB #..#...., #..#...., #..#...., .##....., .##.....     ; V
        DB ####...., #......., ###....., #......., ####....     ; E
        DB ###....., #..#...., ###....., #.#....., #..#....     ; R
digits: DS 3
ring:   DS 256
